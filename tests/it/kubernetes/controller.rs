//! A Job as its controller runs it: pod after pod, the failure policy's first rule that fits, the budget of retries.

use serde_json::Value;

/// What a failed pod does to its Job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The Job fails at once.
    FailJob,
    /// Another pod, and this one is not counted.
    Ignore,
    /// Another pod, as long as the budget lasts.
    Count,
}

/// How a pod ended that failed.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// Its container that failed.
    pub container: &'a str,
    /// How.
    pub code: i32,
    /// Whether the cluster ended it (`DisruptionTarget`).
    pub disrupted: bool,
}

/// What the rules of a Job say about a failed pod.
pub fn judge(job: &Value, ended: Ended<'_>) -> Action {
    let rules = job["spec"]["podFailurePolicy"]["rules"].as_array().unwrap();
    let action = |rule: &Value| match rule["action"].as_str().unwrap() {
        "FailJob" => Action::FailJob,
        "Ignore" => Action::Ignore,
        "Count" => Action::Count,
        other => panic!("an action that this controller does not know: {other}"),
    };
    rules.iter().find(|rule| fits(rule, ended)).map_or(Action::Count, action)
}

fn fits(rule: &Value, ended: Ended<'_>) -> bool {
    if let Some(conditions) = rule["onPodConditions"].as_array() {
        let holds = |condition: &Value| condition["type"] == "DisruptionTarget" && condition["status"] == "True";
        return ended.disrupted && conditions.iter().any(holds);
    }
    let codes = &rule["onExitCodes"];
    if codes["containerName"].as_str().is_some_and(|name| name != ended.container) {
        return false;
    }
    let listed = codes["values"].as_array().unwrap().iter().any(|value| *value == ended.code);
    match codes["operator"].as_str().unwrap() {
        // Containers that ended well are no matter of a rule.
        "In" => ended.code != 0 && listed,
        "NotIn" => ended.code != 0 && !listed,
        other => panic!("an operator that Kubernetes does not know: {other}"),
    }
}

/// What the API server refuses of a Job beyond its schema: the rules of a failure policy (Job API, `podFailurePolicy`).
pub fn refused(job: &Value) -> Vec<&'static str> {
    let spec = &job["spec"];
    let mut why = Vec::new();
    if spec["template"]["spec"]["restartPolicy"] != "Never" {
        why.push("a failure policy needs restartPolicy: Never");
    }
    if spec["podReplacementPolicy"] != "Failed" {
        why.push("a failure policy needs podReplacementPolicy: Failed");
    }
    if spec.get("backoffLimitPerIndex").is_some() && spec["completionMode"] != "Indexed" {
        why.push("backoffLimitPerIndex needs completionMode: Indexed");
    }
    for rule in spec["podFailurePolicy"]["rules"].as_array().unwrap() {
        let values: Vec<i64> =
            rule["onExitCodes"]["values"].as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
        if !values.is_sorted_by(|one, next| one < next) || values.contains(&0) || values.iter().any(|code| *code > 255)
        {
            why.push("values must be in order, each once, from 1 to 255");
        }
    }
    why
}
