//! Cut at every message: the line between sqlmig and the server breaks before or after the n-th message of a small run.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use crate::base::Base;
use crate::cell::{Outcome, lost_its_lock};
use crate::checks;
use crate::program::Invocation;
use crate::proxy::{Plan, Proxy, Side};
use crate::scenario::Scenario;
use crate::server::Server;

/// A message and a side of it.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    pub at: u64,
    pub side: Side,
}

impl Cut {
    pub fn name(self) -> String {
        format!("cut/{}-{}", if self.side == Side::Before { "before" } else { "after" }, self.at)
    }
}

/// The databases from which a run has come to a good end, by their state. Most messages change nothing: thousands of cuts leave one
/// of a few dozen states, and what the next run makes of one is checked once.
#[derive(Default)]
pub struct Resumed(Mutex<HashSet<[u8; 32]>>);

impl Resumed {
    fn knows(&self, state: &[u8; 32]) -> bool {
        let every = std::env::var("SQLMIG_MATRIX_RESUME").is_ok_and(|which| which == "every");
        !every && self.0.lock().unwrap().contains(state)
    }

    fn learn(&self, state: [u8; 32]) {
        self.0.lock().unwrap().insert(state);
    }

    pub fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// Runs the small load with its line cut there, then again without a proxy, and checks what it came to.
pub async fn run(cut: Cut, base: &Base, server: &Server, resumed: &Resumed, number: usize, ground: &Path) -> Outcome {
    let database = format!("cut_{number}");
    let folder = ground.join(&database);
    fs::create_dir_all(&folder).unwrap();
    let outcome = match base.database(server, Scenario::Small, false, &database, &folder).await {
        Ok(()) => disturb(cut, base, server, resumed, &database, &folder).await,
        Err(what) => Err(what),
    };
    server.drop_database(&database).await;
    let _ = fs::remove_dir_all(&folder);
    outcome.unwrap_or_else(|what| Outcome::Failed(vec![what]))
}

async fn disturb(
    cut: Cut,
    base: &Base,
    server: &Server,
    resumed: &Resumed,
    database: &str,
    folder: &Path,
) -> Result<Outcome, String> {
    let proxy = Proxy::start(&server.socket(), Plan { cut: Some((cut.at, cut.side)), hold: None }).await;
    let arguments = base.arguments(Scenario::Small);
    let invocation = |url| Invocation { arguments: arguments.clone(), url, variables: Vec::new(), faults: None };
    let first = invocation(proxy.url(database)).run(&folder.join("first")).await?;
    let was_cut = proxy.was_cut();
    drop(proxy);
    let mut wrong = Vec::new();
    let client = server.connect(database).await;
    if checks::unproven(&client).await? != 0 {
        wrong.push("rows were promoted from a source not proven whole".into());
    }
    let was_done = base.is_done(Scenario::Small, &client).await?;
    let newest = checks::newest(&client).await?.filter(|run| run.id != base.older_run());
    wrong.extend(checks::agree(&first, newest.as_ref(), was_done));
    // A line that is cut when everything is said does no harm; everywhere else it is the database that went away.
    let (mut last, mut outcome) = (first.clone(), Outcome::WentOn);
    let mut state = None;
    match first.code {
        Some(0) => {}
        code if was_cut && (code == Some(5) || lost_its_lock(&first)) => {
            // While somebody is still at it, what there is may change, and a run that comes now must bear with it.
            if !checks::is_somebody_left(&client).await? {
                let found = checks::state(&client).await?;
                if wrong.is_empty() && resumed.knows(&found) {
                    client.close().await;
                    return Ok(Outcome::AsResumed);
                }
                state = Some(found);
            }
            let mut tries = 0;
            loop {
                tries += 1;
                last = invocation(server.url(database)).run(&folder.join("again")).await?;
                outcome = if tries == 1 { Outcome::Resumed } else { Outcome::Retried };
                // Who was cut off holds the run lock until the server has noticed.
                if !matches!(last.code, Some(5 | 6)) || tries == 6 {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(700)).await;
            }
        }
        _ => wrong.push(format!("it ended with {}\n{}", first.word(), first.stderr)),
    }
    if last.code == Some(0) {
        wrong.extend(base.judge(Scenario::Small, &client, &last, base.expected(Scenario::Small), was_done).await?);
    } else if wrong.is_empty() {
        wrong.push(format!("run again, it ended with {}\n{}", last.word(), last.stderr));
    }
    wrong.extend(checks::left_behind(&client).await?);
    client.close().await;
    if !wrong.is_empty() {
        return Ok(Outcome::Failed(wrong));
    }
    if let Some(state) = state {
        resumed.learn(state);
    }
    Ok(outcome)
}
