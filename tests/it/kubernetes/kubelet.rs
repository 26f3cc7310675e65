//! A container as a kubelet starts it: its command line and its environment, from the manifest, the `ConfigMap`, the Secret and
//! the image. By the reference of the Pod API: `envFrom` in its order, a later one wins; `env` over all of them; `$(NAME)` in
//! arguments and values is a variable that is known by then, `$$` a `$`, and a name that is not known stays as it stands.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;

use super::manifest::Manifest;

/// What a runtime gives every container whose image says nothing else.
const RUNTIME_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A container, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    pub name: String,
    pub command: Vec<String>,
    pub environment: BTreeMap<String, String>,
}

/// What the image brings, by the Dockerfile.
pub struct Image {
    pub entrypoint: Vec<String>,
    pub user: String,
}

impl Image {
    pub fn of_dockerfile() -> Self {
        let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Dockerfile")).unwrap();
        let last = |word: &str| text.lines().rev().find_map(|line| line.strip_prefix(word)).unwrap().trim().to_owned();
        Self { entrypoint: serde_json::from_str(&last("ENTRYPOINT ")).unwrap(), user: last("USER ") }
    }
}

/// The pod's containers in the order in which they run, one after another.
pub fn containers(pod: &Value) -> Vec<&Value> {
    let list = |name: &str| pod["spec"][name].as_array().into_iter().flatten();
    list("initContainers").chain(list("containers")).collect()
}

/// Resolves a container; fails where the kubelet would not start it (`CreateContainerConfigError`).
pub fn resolve(container: &Value, objects: &Manifest, pod: &str, image: &Image) -> Result<Started, String> {
    let mut environment = BTreeMap::from([
        ("PATH".to_owned(), RUNTIME_PATH.to_owned()),
        ("HOME".to_owned(), "/".to_owned()),
        ("HOSTNAME".to_owned(), pod.to_owned()),
    ]);
    for source in container["envFrom"].as_array().into_iter().flatten() {
        let prefix = source["prefix"].as_str().unwrap_or_default();
        let (kind, reference) = match (&source["configMapRef"], &source["secretRef"]) {
            (Value::Null, secret) => ("Secret", secret),
            (map, _) => ("ConfigMap", map),
        };
        match data(objects, kind, reference["name"].as_str().unwrap()) {
            Some(data) => environment.extend(data.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value))),
            None if reference["optional"] == true => {}
            None => return Err(format!("{kind} {} is not there", reference["name"])),
        }
    }
    for variable in container["env"].as_array().into_iter().flatten() {
        let name = variable["name"].as_str().unwrap().to_owned();
        let from = &variable["valueFrom"];
        let value = if let Some(reference) = from.get("secretKeyRef").or_else(|| from.get("configMapKeyRef")) {
            let kind = if from.get("secretKeyRef").is_some() { "Secret" } else { "ConfigMap" };
            let (object, key) = (reference["name"].as_str().unwrap(), reference["key"].as_str().unwrap());
            match data(objects, kind, object).and_then(|mut data| data.remove(key)) {
                Some(value) => value,
                None if reference["optional"] == true => continue,
                None => return Err(format!("{kind} {object} has no {key}")),
            }
        } else if let Some(field) = from.get("fieldRef") {
            assert_eq!(field["fieldPath"], "metadata.name", "a field that this kubelet does not know");
            pod.to_owned()
        } else {
            expand(variable["value"].as_str().unwrap_or_default(), &environment)
        };
        environment.insert(name, value);
    }
    let listed = |name: &str| -> Option<Vec<String>> {
        let words = container.get(name)?.as_array()?;
        Some(words.iter().map(|word| expand(word.as_str().unwrap(), &environment)).collect())
    };
    // A command replaces the image's entry point and its own arguments.
    let command = listed("command").unwrap_or_else(|| image.entrypoint.clone());
    let command = command.into_iter().chain(listed("args").unwrap_or_default()).collect();
    Ok(Started { name: container["name"].as_str().unwrap().to_owned(), command, environment })
}

fn data(objects: &Manifest, kind: &str, name: &str) -> Option<BTreeMap<String, String>> {
    let object = objects.0.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name)?;
    let field = if kind == "Secret" { "stringData" } else { "data" };
    let data = object[field].as_object().unwrap();
    Some(data.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect())
}

/// `$(NAME)` replaced.
pub fn expand(text: &str, known: &BTreeMap<String, String>) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$$") {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix("$(").and_then(|inner| inner.split_once(')')) {
            out.push_str(known.get(name).map_or(&rest[..name.len() + 3], String::as_str));
            rest = after;
        } else {
            out.push('$');
            rest = &rest[1..];
        }
    }
    out + rest
}

impl Started {
    /// Starts it with the real binary, in this folder.
    pub fn spawn(&self, folder: &Path) -> Child {
        assert_eq!(self.command[0].rsplit('/').next(), Some("sqlmig"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_sqlmig"));
        command.args(&self.command[1..]).env_clear().envs(&self.environment).current_dir(folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// The exit code as the kubelet writes it into the container's status.
pub fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
}
