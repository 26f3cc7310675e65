//! Jobs on this machine: each container is the real binary, each database is real.

use std::process::Output;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use sqlmig::db::Connection;
use tempfile::TempDir;

use super::controller::{Action, Ended, judge};
use super::kubelet::{Image, Started, code, containers, resolve};
use super::manifest::Manifest;
use crate::harness::TestDb;
use crate::program::{number, url};

/// What was applied to a cluster.
pub struct Cluster {
    pub objects: Manifest,
    image: Image,
    folder: TempDir,
}

/// A container that is ended in the middle of its work.
#[derive(Clone, Copy)]
pub struct Blow<'a> {
    pub container: &'a str,
    /// A query that counts something once the moment has come.
    pub when: &'a str,
    pub signal: Signal,
}

/// What became of a Job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Complete,
    /// With the reason that Kubernetes gives, and the index that failed.
    Failed(&'static str),
}

/// A Job that came to its end.
pub struct Finished {
    pub end: End,
    /// How each failed pod ended: container and code.
    pub failed: Vec<(String, i32)>,
    /// The output of each container of the last pod.
    pub stdout: Vec<String>,
    pub stderr: String,
}

impl Cluster {
    /// Kept manifests, with these parameters in their `ConfigMap`, and the example of a Secret with this database.
    pub async fn new(manifest: &str, db: &TestDb, parameters: &[(&str, &str)]) -> Self {
        let mut objects = Manifest::kept(manifest);
        let secret = include_str!("../../../k8s/base/secret.example.yaml");
        let mut secret: Value = serde_saphyr::from_str(secret).unwrap();
        secret["stringData"]["DATABASE_URL"] = url(db).await.into();
        objects.0.push(secret);
        let mut cluster = Self { objects, image: Image::of_dockerfile(), folder: tempfile::tempdir().unwrap() };
        for (name, value) in parameters {
            cluster.set(name, Some(value));
        }
        cluster
    }

    /// Sets a parameter, or takes it away.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let data = self.objects.find_mut("ConfigMap", "sqlmig")["data"].as_object_mut().unwrap();
        match value {
            Some(value) => data.insert(name.to_owned(), value.into()),
            None => data.remove(name),
        };
    }

    /// Sets a value of the Secret.
    pub fn set_secret(&mut self, name: &str, value: &str) {
        self.objects.find_mut("Secret", "sqlmig")["stringData"][name] = value.into();
    }

    /// The Job of that name, of its own or of the `CronJob` of that name.
    pub fn job(&self, name: &str) -> Value {
        let is_it = |object: &&Value| object["kind"] == "CronJob" && object["metadata"]["name"] == name;
        match self.objects.0.iter().find(is_it) {
            Some(cron) => cron["spec"]["jobTemplate"].clone(),
            None => self.objects.find("Job", name).clone(),
        }
    }

    /// The containers of a pod of a Job, as they would be started.
    pub fn started(&self, job: &Value, pod: &str) -> Vec<Started> {
        let pod_template = &job["spec"]["template"];
        let resolved = |container| resolve(container, &self.objects, pod, &self.image).unwrap();
        containers(pod_template).into_iter().map(resolved).collect()
    }

    /// One pod: its containers one after another, to the first that fails. `blow` falls on one of them.
    async fn pod(&self, job: &Value, name: &str, client: &Connection, blow: Option<Blow<'_>>) -> Pod {
        let grace = job["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap();
        let mut pod = Pod::default();
        for container in self.started(job, name) {
            let child = container.spawn(self.folder.path());
            let process = Pid::from_raw(i32::try_from(child.id()).unwrap());
            let waits = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
            let mut waits = std::pin::pin!(waits);
            let output: Output = match blow.filter(|blow| blow.container == container.name) {
                Some(blow) => {
                    tokio::select! {
                        () = until(client, blow.when) => {}
                        ended = &mut waits => panic!("{} ended before its time: {:?}", container.name, ended.unwrap()),
                    }
                    let asked = Instant::now();
                    kill(process, blow.signal).unwrap();
                    let output = waits.await.unwrap();
                    assert!(asked.elapsed() < Duration::from_secs(grace), "the kubelet would have had to kill it");
                    output
                }
                None => waits.await.unwrap(),
            };
            pod.stdout.push(String::from_utf8(output.stdout).unwrap());
            pod.stderr += &String::from_utf8(output.stderr).unwrap();
            let code = code(output.status);
            if code != 0 {
                pod.failed = Some((container.name, code));
                break;
            }
        }
        // Nothing is written but to the database: the root is read-only.
        assert_eq!(self.folder.path().read_dir().unwrap().count(), 0);
        pod
    }

    /// A Job of one pod at a time to its end. The blows fall on its first pods, one each; `between` may change the world after
    /// each pod that failed.
    pub async fn run(
        &mut self,
        job: &str,
        client: &Connection,
        blows: &[Blow<'_>],
        mut between: impl FnMut(&mut Self, usize),
    ) -> Finished {
        let (mut failed, mut counted) = (Vec::new(), 0);
        loop {
            let manifest = self.job(job);
            let spec = &manifest["spec"];
            let limit =
                spec.get("backoffLimitPerIndex").or_else(|| spec.get("backoffLimit")).and_then(Value::as_u64).unwrap();
            let name = format!("{job}-{}", failed.len());
            let pod = self.pod(&manifest, &name, client, blows.get(failed.len()).copied()).await;
            let (stdout, stderr) = (pod.stdout, pod.stderr);
            let Some((container, code)) = pod.failed else {
                return Finished { end: End::Complete, failed, stdout, stderr };
            };
            let action = judge(&manifest, Ended { container: &container, code, disrupted: false });
            failed.push((container, code));
            counted += u64::from(action == Action::Count);
            let end = match action {
                Action::FailJob => Some(End::Failed("PodFailurePolicy")),
                _ if counted > limit => Some(End::Failed("BackoffLimitExceeded")),
                _ => None,
            };
            if let Some(end) = end {
                return Finished { end, failed, stdout, stderr };
            }
            between(self, failed.len());
        }
    }
}

/// What a pod did.
#[derive(Default)]
struct Pod {
    stdout: Vec<String>,
    stderr: String,
    failed: Option<(String, i32)>,
}

/// Waits until a query counts something.
pub async fn until(client: &Connection, query: &str) {
    let since = Instant::now();
    while number(client, query).await == 0 {
        assert!(since.elapsed() < Duration::from_mins(1), "in vain: {query}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
