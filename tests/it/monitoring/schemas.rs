//! What `k8s/monitoring/` hands to other programs, held to their own types: the Prometheus operator's and Grafana's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::folder;
use crate::kubernetes::manifest::package;

/// The operator's custom resources of version 0.80, as classes made from their definitions.
pub fn operator() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| package("cloudcoil-models-prometheus-operator", "0.80.1.0"))
}

/// Grafana's schema of dashboards: the oldest version that the dashboard is for.
fn grafana() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| package("grafana-foundation-sdk", "1769699998!10.1.0"))
}

/// What a script of `tests/kubernetes/` finds wrong with each of these files.
fn wrong(script: &str, packages: &Path, files: &[PathBuf]) -> Vec<String> {
    let mut command = Command::new("python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubernetes").join(script)).args(files);
    let output = command.env("PYTHONPATH", packages).env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A file of `k8s/monitoring/`, a part of it, what stands there by a slip of the pen, and what is said of that.
type Slip = (&'static str, &'static str, &'static str, &'static str);

/// Fails unless the files are as they should be, and every slip is seen.
fn holds(script: &str, packages: &Path, names: &[&str], slips: &[Slip]) {
    let scratch = tempfile::tempdir().unwrap();
    let mut files: Vec<PathBuf> = names.iter().map(|name| folder().join(name)).collect();
    for (number, (name, right, slip, _)) in slips.iter().enumerate() {
        let text = fs::read_to_string(folder().join(name)).unwrap();
        assert!(text.contains(right), "{right} is not in {name}");
        let file = scratch.path().join(format!("{number}-{name}"));
        fs::write(&file, text.replacen(right, slip, 1)).unwrap();
        files.push(file);
    }
    let said = wrong(script, packages, &files);
    for (name, said) in names.iter().zip(&said) {
        assert_eq!(said, "", "{name}");
    }
    for ((.., slip, says), said) in slips.iter().zip(&said[names.len()..]) {
        assert!(said.contains(says), "{slip}: {said:?}");
    }
}

#[test]
fn the_custom_resources_are_those_of_the_prometheus_operator() {
    // Fields with a slip of the pen, texts that are no time, and a field that is missing.
    let slips = [
        ("podmonitor.yaml", "scrapeTimeout:", "scrapeTimeOut:", "scrapeTimeOut: there is no such field"),
        ("podmonitor.yaml", "interval: 15s", "interval: 15 seconds", "podMetricsEndpoints.0.interval"),
        ("podmonitor.yaml", "selector:", "selectors:", "spec.selector"),
        ("prometheusrule.yaml", "annotations:", "annotation:", "annotation: there is no such field"),
        ("prometheusrule.yaml", "for: 5m", "for: soon", "rules.0.for"),
    ];
    holds("custom_resources.py", operator(), &["podmonitor.yaml", "prometheusrule.yaml"], &slips);
}

#[test]
fn the_dashboard_has_only_what_grafana_knows() {
    let name = "dashboard.json";
    let slips = [
        (name, "\"type\": \"timeseries\"", "\"type\": \"timeserie\"", "there is no panel 'timeserie'"),
        (name, "\"fillOpacity\"", "\"fillOpacitiy\"", "fillOpacitiy: there is no such field"),
        (name, "\"legendFormat\"", "\"legend\"", "legend: there is no such field"),
        (name, "\"gridPos\"", "\"gridpos\"", "gridpos: there is no such field"),
    ];
    holds("dashboard.py", grafana(), &[name], &slips);
}
