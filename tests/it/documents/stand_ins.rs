//! What a page speaks of and a reader has, where the tests have none: files on the network, a cluster, a registry, the owner's
//! programs.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::kubernetes::manifest;
use crate::monitoring::schemas::operator;
use crate::program::fixture;
use crate::site::{Keys, Object, Site};

const KEYS: Keys = Keys { id: "AKIDEXAMPLE", secret: "k4n4r1env0g3lsecret" };

/// The bundled dump, whatever file of these places is asked for.
pub struct Network {
    files: Site,
    buckets: Site,
}

impl Network {
    pub fn start() -> Self {
        let dump = || Object::new(fs::read(fixture("docs.sql.gz")).unwrap());
        Self { files: Site::start(dump(), Vec::new()), buckets: Site::s3(dump(), Vec::new(), KEYS) }
    }

    /// Variables by which both are found.
    pub fn variables(&self) -> [(&'static str, String); 4] {
        [
            ("PAGE_FILES", format!("http://{}", self.files.address())),
            ("AWS_ENDPOINT_URL", format!("http://{}", self.buckets.address())),
            ("AWS_ACCESS_KEY_ID", KEYS.id.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", KEYS.secret.to_owned()),
        ]
    }
}

/// `tests/kubernetes/api.py`: takes what kubectl sends as a cluster would, holds it to the schemas, and runs nothing.
pub struct Cluster {
    running: Child,
    config: PathBuf,
}

impl Cluster {
    pub fn start(folder: &Path) -> Self {
        let (port, config) = (folder.join(".port"), folder.join(".kubeconfig"));
        let packages = std::env::join_paths([manifest::schemas(), operator()]).unwrap();
        let mut command = Command::new("python3");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubernetes/api.py")).arg(&port);
        command.env("PYTHONPATH", packages).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
        let running = command.stderr(fs::File::create(folder.join(".api.log")).unwrap()).spawn().unwrap();
        let number = (0..600).find_map(|_| {
            std::thread::sleep(Duration::from_millis(100));
            fs::read_to_string(&port).ok().filter(|number| !number.is_empty())
        });
        let server = format!("http://127.0.0.1:{}", number.expect("the stand-in of a cluster listens"));
        let text = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "page",
            "clusters": [{"name": "page", "cluster": {"server": server}}],
            "contexts": [{"name": "page", "context": {"cluster": "page", "user": "page"}}],
            "users": [{"name": "page", "user": {}}],
        });
        fs::write(&config, text.to_string()).unwrap();
        Self { running, config }
    }

    /// What kubectl finds it by.
    pub fn config(&self) -> &Path {
        &self.config
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}

/// `docker-registry`, for images that are pushed.
pub struct Registry {
    running: Child,
    address: String,
}

impl Registry {
    /// `None` where there is no engine, or no registry to push to.
    pub fn start(folder: &Path) -> Option<Self> {
        let is_well = |mut command: Command| {
            let outcome = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
            outcome.is_ok_and(|status| status.success())
        };
        let mut engine = Command::new("docker");
        engine.arg("info");
        if !is_well(engine) {
            return None;
        }
        // An engine trusts the registries of its own machine without TLS.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap().to_string();
        let config = folder.join(".registry.json");
        let settings = serde_json::json!({
            "version": 0.1,
            "http": {"addr": address},
            "storage": {"filesystem": {"rootdirectory": folder.join(".registry")}},
        });
        fs::write(&config, settings.to_string()).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config).stdin(Stdio::null()).stdout(Stdio::null());
        let running = command.stderr(fs::File::create(folder.join(".registry.log")).unwrap()).spawn().ok()?;
        Some(Self { running, address })
    }

    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}

/// Programs that stand before others of the same name: cargo, of this repository and what is built of it already; `pg_ctl`, by
/// the owner of the data where the tests run as root, which may not start a server.
pub fn programs(folder: &Path, server: &Path) -> PathBuf {
    let own = folder.join(".bin");
    fs::create_dir(&own).unwrap();
    let root = env!("CARGO_MANIFEST_DIR");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().display();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let cargo = format!("#!/bin/sh\nroot='{root}'\ntarget='{target}'\ncargo='{cargo}'\n{}", include_str!("cargo.sh"));
    // With a log of its own the server does not hold on to the terminal's.
    let pg_ctl = format!(
        "#!/bin/sh\nowner=$(stat --format %u \"$2\")\nset -- '{}/pg_ctl' -l \"$2/by-hand.log\" \"$@\"\n\
         if [ \"$(id -u)\" = 0 ]; then exec setpriv --reuid \"$owner\" --clear-groups \"$@\"; fi\nexec \"$@\"\n",
        server.display()
    );
    for (name, text) in [("cargo", cargo.as_str()), ("pg_ctl", pg_ctl.as_str())] {
        fs::write(own.join(name), text).unwrap();
        fs::set_permissions(own.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    own
}
