//! What kustomize makes of `k8s/`: by kubectl, where there is one, and as it was kept in `tests/kubernetes/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// The version of the schemas, and of the package that has them.
const SCHEMAS: &str = "1.37.0";

/// The objects of one overlay.
#[derive(Debug, Clone)]
pub struct Manifest(pub Vec<Value>);

impl Manifest {
    /// The objects of a folder of `k8s/`, as they are kept.
    pub fn kept(name: &str) -> Self {
        let path = kept_path(name);
        Self::parse(&fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    /// The objects of one file of `k8s/`, as it stands there.
    pub fn file(path: &Path) -> Self {
        Self::parse(&fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    /// The objects of a folder, by kubectl.
    pub fn rendered(kubectl: &Path, folder: &Path) -> Self {
        Self::parse(&render(kubectl, folder))
    }

    fn parse(text: &str) -> Self {
        Self(text.split("\n---\n").map(|object| serde_saphyr::from_str(object).unwrap()).collect())
    }

    /// The one of a kind and name; the name may have kustomize's hash at its end.
    pub fn find(&self, kind: &str, name: &str) -> &Value {
        let is_it = |object: &&Value| {
            let own = object["metadata"]["name"].as_str().unwrap();
            let hashed =
                own.strip_prefix(name).and_then(|rest| rest.strip_prefix('-')).is_some_and(|hash| hash.len() == 10);
            object["kind"] == kind && (own == name || (hashed && kind == "ConfigMap"))
        };
        self.0.iter().find(is_it).unwrap_or_else(|| panic!("there is no {kind} {name}"))
    }

    /// The same to change: what an overlay would do.
    pub fn find_mut(&mut self, kind: &str, name: &str) -> &mut Value {
        let found = self.find(kind, name).clone();
        self.0.iter_mut().find(|object| **object == found).unwrap()
    }
}

/// Where the rendering of a folder is kept.
pub fn kept_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/kubernetes/{name}.yaml"))
}

/// What kubectl makes of a folder.
pub fn render(kubectl: &Path, folder: &Path) -> String {
    let output = Command::new(kubectl).arg("kustomize").arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A kubectl with a kustomize of its own that knows components and replacements (1.25); none where `SQLMIG_KUBECTL` is not set
/// and none is on the path.
pub fn kubectl() -> Option<PathBuf> {
    let named = std::env::var_os("SQLMIG_KUBECTL").map(PathBuf::from);
    let on_path = || {
        let folders = std::env::var_os("PATH")?;
        std::env::split_paths(&folders).map(|folder| folder.join("kubectl")).find(|program| program.exists())
    };
    named.or_else(on_path)
}

/// Says what is wrong with a file of objects by Kubernetes' own schemas, where no field may be one that they do not know; nothing
/// where all is well.
pub fn invalid(file: &Path) -> String {
    let mut command = Command::new("python3");
    command.args(["-m", "kubernetes_validate", "--strict", "--no-warn", "--quiet"]).arg(file);
    let output = command.env("PYTHONPATH", schemas()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), said.trim().is_empty(), "{said}");
    said
}

/// Where the schemas are.
pub fn schemas() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| package("kubernetes-validate", SCHEMAS))
}

/// The folder of a package of Python's, and of those that it needs: fetched once, as the server of the tests is.
pub fn package(name: &str, version: &str) -> PathBuf {
    let safe = version.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{safe}"));
    if !folder.exists() {
        let own = folder.with_file_name(format!("{name}-{safe}.{}", std::process::id()));
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--target"]).arg(&own).arg(format!("{name}=={version}"));
        let fetched = pip.output().unwrap_or_else(|error| panic!("tests need Python's pip: {error}"));
        assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
        // Two test processes at once: one of them is the first.
        if fs::rename(&own, &folder).is_err() {
            let _ = fs::remove_dir_all(&own);
        }
    }
    folder
}
