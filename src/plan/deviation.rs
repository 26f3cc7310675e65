//! What is not as a plan says: a run that follows a plan does what was looked at and agreed to, or nothing.

use std::collections::BTreeSet;

use crate::outcome::{Plan, PlanFate, PlanRows};

/// What differs between a plan that is to be followed and one that was made just now; none where it can be followed.
#[must_use]
pub fn deviations(planned: &Plan, now: &Plan) -> Vec<String> {
    let mut parts = Vec::new();
    identity(planned, now, &mut parts);
    let names = |plan: &Plan| plan.pending_migrations.iter().cloned().collect::<BTreeSet<String>>();
    let (then, today) = (names(planned), names(now));
    parts.extend(then.difference(&today).map(|name| format!("migration {name} was planned and is not pending now")));
    parts.extend(today.difference(&then).map(|name| format!("migration {name} is pending now and was not planned")));
    if !planned.counts.compared {
        parts
            .push("the plan was made without comparing rows with the target: make it again without --quick".to_owned());
    } else if let Some(why) = &now.counts.why_not {
        parts.push(format!("the rows can't be compared with the target now: {why}"));
    } else {
        counts(planned, now, &mut parts);
    }
    parts.extend(now.refused.iter().filter(|why| !planned.refused.contains(why)).cloned());
    parts
}

/// What the plan is about: source, project, database, the shape of its tables, options.
fn identity(planned: &Plan, now: &Plan, parts: &mut Vec<String>) {
    let short = |digest: &str| digest.chars().take(12).collect::<String>();
    if planned.source_sha256 != now.source_sha256 {
        let (then, today) = (short(&planned.source_sha256), short(&now.source_sha256));
        parts.push(format!("source: {} had SHA-256 {then}…, {} has {today}…", planned.source, now.source));
    }
    if planned.project != now.project {
        parts.push(format!("project: {} was planned with, {} is used now", planned.project, now.project));
    } else if planned.project_hash != now.project_hash {
        let (then, today) = (short(&planned.project_hash), short(&now.project_hash));
        parts.push(format!("project: the files of {} were {then}…, and are {today}…", now.project));
    }
    if planned.database != now.database {
        parts.push(format!("database: {} was planned for, this is {}", planned.database, now.database));
    }
    if planned.target_schema != now.target_schema {
        parts.push("schema: the columns of the final tables were changed since".to_owned());
    }
    let keys: BTreeSet<&String> = planned.options.keys().chain(now.options.keys()).collect();
    for key in keys {
        let value = |plan: &Plan| plan.options.get(key).cloned().unwrap_or_else(|| "not given".to_owned());
        let (then, today) = (value(planned), value(now));
        if then != today {
            parts.push(format!("option {key}: {then} was planned, {today} is given"));
        }
    }
}

/// What would become of the rows.
fn counts(planned: &Plan, now: &Plan, parts: &mut Vec<String>) {
    let differing = |of: &str, then: &[(&str, i64)], today: &[(&str, i64)], parts: &mut Vec<String>| {
        for ((what, then), (_, today)) in then.iter().zip(today).filter(|((_, then), (_, today))| then != today) {
            parts.push(format!("{of}: {then} rows to {what} were planned, now it would be {today}"));
        }
    };
    for table in &now.tables {
        let then = planned.tables.iter().find(|known| known.source == table.source);
        let Some(then) = then else {
            parts.push(format!("{}: the source did not have it", table.source));
            continue;
        };
        let (then, today) = (then.fate.unwrap_or_default(), table.fate.unwrap_or_default());
        differing(&table.source, &of_fate(then), &of_fate(today), parts);
    }
    for step in &now.promote {
        let then = planned.promote.iter().find(|known| known.transform == step.transform).and_then(|known| known.rows);
        let (then, today) = (then.unwrap_or_default(), step.rows.unwrap_or_default());
        differing(&format!("{} ({})", step.target, step.transform), &of_rows(then), &of_rows(today), parts);
    }
    for check in &now.checks {
        let same = |known: &&crate::outcome::PlanCheck| known.name == check.name && known.phase == check.phase;
        let then = planned.checks.iter().find(same).and_then(|known| known.found);
        if then != check.found {
            let (then, today) = (then.unwrap_or_default(), check.found.unwrap_or_default());
            parts.push(format!("{} {}: it found {then} rows, and finds {today}", check.phase, check.name));
        }
    }
    for embedding in &now.embeddings {
        let same = |known: &&crate::outcome::PlanEmbedding| {
            known.transform == embedding.transform && known.source == embedding.source
        };
        let then = planned.embeddings.iter().find(same).map_or(0, |known| known.texts);
        if embedding.texts > then {
            let texts = embedding.texts;
            parts.push(format!("{}: {then} texts to embed were planned, now it would be {texts}", embedding.source));
        }
    }
}

fn of_fate(fate: PlanFate) -> [(&'static str, i64); 5] {
    [
        ("insert", fate.insert),
        ("update", fate.update),
        ("leave", fate.unchanged),
        ("merge", fate.merge),
        ("reject", fate.reject),
    ]
}

fn of_rows(rows: PlanRows) -> [(&'static str, i64); 4] {
    [("insert", rows.insert), ("update", rows.update), ("delete", rows.delete), ("leave", rows.unchanged)]
}
