//! Random sequences of loads, edits by others, promotions and rollbacks, against a model in memory that knows nothing of SQL:
//! after each step the final table, what was left and why, and what is still kept for undo must be the model's.
//!
//! A fixed set of cases by default. `SQLMIG_MODEL_CASES=500` tries so many others, `SQLMIG_MODEL_SEED=7` says which;
//! a case that fails is made as short as it can be, and printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::num::NonZeroU32;

use proptest::prelude::*;
use proptest::sample::{Index, subsequence};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use sqlmig::db::Connection;
use sqlmig::db::ledger::{rollback_kept, runs};
use sqlmig::decode::ScanOptions;
use sqlmig::event::Events;
use sqlmig::limits::{BatchSize, Parallel, Timeouts};
use sqlmig::pipeline::{Conductor, EarlierRuns, LoadOptions};
use sqlmig::project::Project;
use sqlmig::promote::PromoteOptions;
use sqlmig::rollback::{RollbackError, RollbackOptions, finish, rollback};
use sqlmig::source::{self, SourceSpec};
use sqlmig::stage::StageOptions;
use sqlmig::stop::Stop;
use uuid::Uuid;

use crate::harness::TestDb;
use crate::program::{Things, number, target};

/// Cases in an ordinary test run.
const CASES: u32 = 24;
/// Ids that rows have.
const IDS: std::ops::RangeInclusive<i32> = 1..=9;

/// A thing: small numbers, so that a change is often undone by another; 0 stands for null, where one may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    name: u8,
    amount: u8,
    extra: u8,
    /// Written once by a load, then left alone: others' own.
    note: u8,
}

impl Row {
    fn fields(self) -> [String; 4] {
        let or_null = |value: u8, text: String| if value == 0 { "null".to_owned() } else { text };
        [
            format!("'n{}'", self.name),
            or_null(self.amount, self.amount.to_string()),
            format!("'{{\"v\": {}}}'", self.extra),
            or_null(self.note, format!("'o{}'", self.note)),
        ]
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Another dump, in batches of so many rows.
    Load { rows: BTreeMap<i32, Row>, batch_size: u64 },
    /// The newest dump once more.
    Same { batch_size: u64 },
    /// The newest dump with changes: some rows differ, some are new.
    Newer { rows: BTreeMap<i32, Row>, batch_size: u64 },
    /// The newest run goes on, where a batch of it was taken back.
    Promote { batch_size: u64 },
    /// Somebody writes a row, new or not.
    Write { id: i32, row: Row },
    /// Somebody deletes one.
    Delete { id: i32 },
    /// Somebody refers to a row.
    Refer { id: i32 },
    /// Nobody refers to it any more.
    Release { id: i32 },
    /// A batch of a run is taken back.
    Batch { run: Index, batch: Index, force: bool },
    /// A run is taken back.
    Run { run: Index, force: bool },
    /// A run is accepted.
    Finish { run: Index },
}

/// What the model keeps of a row that a batch wrote.
#[derive(Debug, Clone)]
struct Image {
    id: i32,
    before: Option<Row>,
    after: Row,
}

#[derive(Debug, Clone)]
struct Batch {
    number: i64,
    first: usize,
    last: usize,
    done: bool,
    images: Vec<Image>,
    kept: BTreeMap<i32, &'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Checked,
    Done,
    RolledBack,
}

#[derive(Debug, Clone)]
struct Run {
    id: Uuid,
    dump: Vec<(i32, Row)>,
    batches: Vec<Batch>,
    state: State,
    accepted: bool,
}

#[derive(Default)]
struct Model {
    table: BTreeMap<i32, Row>,
    referred: BTreeSet<i32>,
    runs: Vec<Run>,
}

impl Model {
    /// Promotes the rows of the newest run that no batch has done.
    fn promote(&mut self, batch_size: u64) {
        let run = self.runs.last_mut().unwrap();
        let size = usize::try_from(batch_size).unwrap();
        let covered =
            |row: &usize| run.batches.iter().any(|batch| batch.done && (batch.first..=batch.last).contains(row));
        let left: Vec<usize> = (1..=run.dump.len()).filter(|row| !covered(row)).collect();
        let mut ranges: Vec<Vec<usize>> = Vec::new();
        for row in left {
            match ranges.last_mut() {
                Some(range) if range.len() < size && range.last() == Some(&(row - 1)) => range.push(row),
                _ => ranges.push(vec![row]),
            }
        }
        for range in ranges {
            let mut images = Vec::new();
            for row in &range {
                let (id, incoming) = run.dump[row - 1];
                let before = self.table.get(&id).copied();
                let after = Row { note: before.map_or(incoming.note, |before| before.note), ..incoming };
                if before != Some(after) {
                    images.push(Image { id, before, after });
                    self.table.insert(id, after);
                }
            }
            let number = run.batches.iter().map(|batch| batch.number).max().unwrap_or(0) + 1;
            let (first, last) = (range[0], *range.last().unwrap());
            run.batches.push(Batch { number, first, last, done: true, images, kept: BTreeMap::new() });
        }
        run.state = State::Done;
    }

    /// Takes one batch back; how many rows that were.
    fn take_back(&mut self, run: usize, batch: usize, force: bool) -> usize {
        let (run, mut undone) = (&mut self.runs[run], 0);
        let batch = &mut run.batches[batch];
        let mut left = Vec::new();
        batch.kept.clear();
        for image in std::mem::take(&mut batch.images) {
            let now = self.table.get(&image.id).copied();
            let reason = match now {
                None if force => None,
                None => Some("deleted"),
                Some(now) if now != image.after && !force => Some("changed"),
                Some(_) if image.before.is_none() && self.referred.contains(&image.id) => Some("referenced"),
                Some(_) => None,
            };
            match (reason, image.before) {
                (Some(reason), _) => {
                    batch.kept.insert(image.id, reason);
                    left.push(image);
                }
                (None, Some(before)) => {
                    self.table.insert(image.id, before);
                    undone += 1;
                }
                (None, None) => undone += usize::from(self.table.remove(&image.id).is_some()),
            }
        }
        batch.images = left;
        if run.state == State::Done && (batch.done || undone > 0) {
            run.state = State::Checked;
        }
        batch.done = false;
        undone
    }

    /// Takes back a run, or one batch of it.
    fn roll_back(&mut self, run: usize, only: Option<i64>, force: bool) {
        let chosen = |model: &Self, waiting: bool| -> Vec<usize> {
            let batches = model.runs[run].batches.iter().enumerate();
            let waits = |batch: &Batch| batch.kept.values().any(|reason| *reason == "referenced");
            let mut chosen: Vec<usize> = batches
                .filter(|(_, batch)| only.is_none_or(|number| batch.number == number))
                .filter(|(_, batch)| if waiting { waits(batch) } else { batch.done || !batch.kept.is_empty() })
                .map(|(place, _)| place)
                .collect();
            chosen.reverse();
            chosen
        };
        for batch in chosen(self, false) {
            self.take_back(run, batch, force);
        }
        while chosen(self, true).into_iter().map(|batch| self.take_back(run, batch, force)).sum::<usize>() > 0 {}
        if only.is_none() {
            self.runs[run].state = State::RolledBack;
        }
    }
}

/// The model beside the real thing.
struct Both {
    model: Model,
    things: Things,
    conductor: Conductor,
    client: Connection,
    loads: u32,
}

impl Both {
    async fn load(&mut self, rows: BTreeMap<i32, Row>, batch_size: u64) {
        if self.model.runs.last().is_some_and(|run| run.state == State::Checked) {
            self.promote(batch_size).await;
        }
        // Not in the order of their keys: batches go by the order of the dump.
        let dump: Vec<(i32, Row)> = rows.into_iter().rev().collect();
        let mut text = format!(
            "-- {}\n--\n-- PostgreSQL database dump\n--\n\nCOPY public.things (id, name, amount, extra, tags, note) FROM stdin;\n",
            self.loads
        );
        self.loads += 1;
        for (id, row) in &dump {
            let [name, amount, extra, note] = row.fields().map(|field| match field.as_str() {
                "null" => "\\N".to_owned(),
                _ => field.trim_matches('\'').to_owned(),
            });
            writeln!(text, "{id}\t{name}\t{amount}\t{extra}\t{{x}}\t{note}").unwrap();
        }
        text.push_str("\\.\n\n--\n-- PostgreSQL database dump complete\n--\n");
        let path = self.things.path().join(".model.sql");
        std::fs::write(&path, text).unwrap();
        let options = LoadOptions {
            stage: StageOptions {
                only: Vec::new(),
                scan: ScanOptions::default(),
                digested: BTreeMap::new(),
                max_rejects: None,
                lanes: 1,
                timeouts: Timeouts::default(),
            },
            promote: promote_options(batch_size),
            allow_incomplete: false,
            earlier: EarlierRuns::LoadedAgain,
            index: false,
            following: None,
        };
        let source = source::open(&SourceSpec::File(path)).unwrap();
        let id = self.conductor.run(source, options).await.unwrap();
        self.model.runs.push(Run { id, dump, batches: Vec::new(), state: State::Checked, accepted: false });
        self.model.promote(batch_size);
    }

    async fn promote(&mut self, batch_size: u64) {
        let Some(run) = self.model.runs.last().filter(|run| run.state == State::Checked).map(|run| run.id) else {
            return;
        };
        let fence = self.conductor.resume(Some(run)).await.unwrap().fence;
        self.conductor.promote(fence, promote_options(batch_size), false).await.unwrap();
        self.conductor.validate(fence).await.unwrap();
        self.model.promote(batch_size);
    }

    async fn roll_back(&mut self, run: usize, batch: Option<i64>, force: bool) -> Result<(), TestCaseError> {
        let known = self.model.runs[run].clone();
        let options = RollbackOptions { batch, force };
        let done = rollback(&self.conductor.pool, known.id, options, &self.conductor.stop, &Events::none()).await;
        if known.accepted {
            prop_assert!(matches!(done, Err(RollbackError::Accepted { .. })), "{:?}", done);
        } else {
            prop_assert!(done.is_ok(), "{:?}", done);
            self.model.roll_back(run, batch, force);
        }
        Ok(())
    }

    async fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        let newest = || self.model.runs.last().map(|run| run.dump.iter().copied().collect::<BTreeMap<_, _>>());
        match step {
            Step::Load { rows, batch_size } => self.load(rows, batch_size).await,
            Step::Same { batch_size } => {
                if let Some(rows) = newest() {
                    self.load(rows, batch_size).await;
                }
            }
            Step::Newer { rows, batch_size } => {
                let mut newer = newest().unwrap_or_default();
                newer.extend(rows);
                self.load(newer, batch_size).await;
            }
            Step::Promote { batch_size } => self.promote(batch_size).await,
            Step::Write { id, row } => {
                let [name, amount, extra, note] = row.fields();
                let write = format!(
                    "insert into public.things (id, name, amount, extra, tags, note) values ({id}, {name}, {amount}, {extra}, '{{x}}', {note})
                     on conflict (id) do update set name = {name}, amount = {amount}, extra = {extra}, note = {note}"
                );
                self.client.batch_execute(&write).await.unwrap();
                self.model.table.insert(id, row);
            }
            Step::Delete { id } if !self.model.referred.contains(&id) => {
                self.client.execute("delete from public.things where id = $1", &[&id]).await.unwrap();
                self.model.table.remove(&id);
            }
            Step::Refer { id } if self.model.table.contains_key(&id) => {
                self.client
                    .execute("insert into public.orders values ($1) on conflict do nothing", &[&id])
                    .await
                    .unwrap();
                self.model.referred.insert(id);
            }
            Step::Release { id } => {
                self.client.execute("delete from public.orders where thing = $1", &[&id]).await.unwrap();
                self.model.referred.remove(&id);
            }
            Step::Batch { run, batch, force } if !self.model.runs.is_empty() => {
                let run = run.index(self.model.runs.len());
                let number = batch.get(&self.model.runs[run].batches).number;
                self.roll_back(run, Some(number), force).await?;
            }
            Step::Run { run, force } if !self.model.runs.is_empty() => {
                let run = run.index(self.model.runs.len());
                self.roll_back(run, None, force).await?;
            }
            Step::Finish { run } if !self.model.runs.is_empty() => {
                let run = run.get(&self.model.runs);
                let finished = finish(&self.conductor.pool, run.id).await;
                prop_assert_eq!(finished.is_ok(), run.state == State::Done || run.accepted, "{:?}", finished);
                if finished.is_ok() {
                    let id = run.id;
                    let run = self.model.runs.iter_mut().find(|run| run.id == id).unwrap();
                    run.accepted = true;
                    run.batches.iter_mut().for_each(|batch| batch.images.clear());
                }
            }
            // Nothing to do it to.
            Step::Delete { .. } | Step::Refer { .. } | Step::Batch { .. } | Step::Run { .. } | Step::Finish { .. } => {}
        }
        Ok(())
    }

    /// Holds everything against the model.
    async fn compare(&self) -> Result<(), TestCaseError> {
        let query = "select id, name, coalesce(amount::integer, 0) as amount, extra::text as extra, note, tags::text as tags from public.things";
        let rows = self.client.query(query, &[]).await.unwrap();
        let number_of =
            |text: &str| text.chars().find_map(|c| c.to_digit(10)).and_then(|digit| u8::try_from(digit).ok()).unwrap();
        let table: BTreeMap<i32, Row> = rows
            .iter()
            .map(|row| {
                assert_eq!(row.get::<_, &str>("tags"), "{x}");
                let thing = Row {
                    name: number_of(row.get("name")),
                    amount: u8::try_from(row.get::<_, i32>("amount")).unwrap(),
                    extra: number_of(row.get("extra")),
                    note: row.get::<_, Option<&str>>("note").map_or(0, number_of),
                };
                (row.get("id"), thing)
            })
            .collect();
        prop_assert_eq!(&table, &self.model.table);
        for run in &self.model.runs {
            let kept: BTreeMap<(i64, i32), String> = rollback_kept(&*self.client, run.id, None, 1000)
                .await
                .unwrap()
                .into_iter()
                .map(|row| ((row.batch, i32::try_from(row.key["id"].as_i64().unwrap()).unwrap()), row.reason))
                .collect();
            let modelled: BTreeMap<(i64, i32), String> = run
                .batches
                .iter()
                .flat_map(|batch| batch.kept.iter().map(|(id, reason)| ((batch.number, *id), (*reason).to_owned())))
                .collect();
            prop_assert_eq!(kept, modelled);
            let state = runs(&*self.client, Some(run.id), 1).await.unwrap()[0].state;
            let modelled = match run.state {
                State::Checked => "checked",
                State::Done => "done",
                State::RolledBack => "rolled_back",
            };
            prop_assert_eq!(state.as_str(), modelled);
        }
        let tables = self.client.query("select name from sqlmig.undo_table", &[]).await.unwrap();
        let mut images = 0;
        for table in &tables {
            images += number(&self.client, &format!("select count(*) from {}", table.get::<_, &str>("name"))).await;
        }
        let modelled: usize = self.model.runs.iter().flat_map(|run| &run.batches).map(|batch| batch.images.len()).sum();
        prop_assert_eq!(images, i64::try_from(modelled).unwrap());
        Ok(())
    }
}

fn promote_options(batch_size: u64) -> PromoteOptions {
    PromoteOptions {
        batch_size: BatchSize::Rows(NonZeroU32::new(u32::try_from(batch_size).unwrap()).unwrap()),
        parallel: Parallel::Workers(NonZeroU32::MIN),
        most_workers: 1,
        timeouts: Timeouts::default(),
        max_refused: None,
    }
}

async fn case(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let db = TestDb::new("model").await;
    let things = Things::new()
        .replacing("transforms/promote/things.sql", "--! key: id", "--! key: id\n--! insert_only: note")
        .with(
            "migrations/V2__orders.sql",
            "create table public.orders (thing integer primary key references public.things (id));",
        );
    let project = Project::load(things.path()).unwrap();
    let conductor = Conductor {
        pool: target(&db).await.pool(6).unwrap(),
        project,
        events: Events::none(),
        vitals: sqlmig::pipeline::Vitals::default(),
        stop: Stop::default(),
        holder: None,
        embed: sqlmig::embed::EmbedOptions::default(),
    };
    conductor.migrate(true).await.unwrap();
    let mut both = Both { model: Model::default(), things, conductor, client: db.connect().await, loads: 0 };
    let mut outcome = Ok(());
    for step in steps {
        let told = format!("{step:?}");
        outcome = both.take(step).await;
        if outcome.is_ok() {
            outcome = both.compare().await;
        }
        if let Err(error) = outcome {
            outcome = Err(TestCaseError::fail(format!("after {told}: {error}")));
            break;
        }
    }
    both.conductor.pool.close();
    outcome
}

fn row() -> impl Strategy<Value = Row> {
    (0..3_u8, 0..2_u8, 0..2_u8, 0..2_u8).prop_map(|(name, amount, extra, note)| Row { name, amount, extra, note })
}

fn rows(most: usize) -> impl Strategy<Value = BTreeMap<i32, Row>> {
    let ids: Vec<i32> = IDS.collect();
    subsequence(ids, 1..=most)
        .prop_flat_map(|ids| (Just(ids.clone()), prop::collection::vec(row(), ids.len())))
        .prop_map(|(ids, rows)| ids.into_iter().zip(rows).collect())
}

fn step() -> impl Strategy<Value = Step> {
    let size = || 1..5_u64;
    let any_index = any::<Index>;
    prop_oneof![
        3 => (rows(9), size()).prop_map(|(rows, batch_size)| Step::Load { rows, batch_size }),
        1 => size().prop_map(|batch_size| Step::Same { batch_size }),
        2 => (rows(4), size()).prop_map(|(rows, batch_size)| Step::Newer { rows, batch_size }),
        2 => size().prop_map(|batch_size| Step::Promote { batch_size }),
        4 => (IDS, row()).prop_map(|(id, row)| Step::Write { id, row }),
        2 => IDS.prop_map(|id| Step::Delete { id }),
        2 => IDS.prop_map(|id| Step::Refer { id }),
        2 => IDS.prop_map(|id| Step::Release { id }),
        4 => (any_index(), any_index(), prop::bool::weighted(0.3)).prop_map(|(run, batch, force)| Step::Batch { run, batch, force }),
        4 => (any_index(), prop::bool::weighted(0.3)).prop_map(|(run, force)| Step::Run { run, force }),
        1 => any_index().prop_map(|run| Step::Finish { run }),
    ]
}

#[test]
fn whatever_is_loaded_edited_and_taken_back_the_tables_are_the_models() {
    let variable = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u32>().unwrap());
    let config = Config {
        cases: variable("SQLMIG_MODEL_CASES").unwrap_or(CASES),
        failure_persistence: None,
        max_shrink_iters: 300,
        ..Config::default()
    };
    let seed = variable("SQLMIG_MODEL_SEED").unwrap_or(1).to_le_bytes().repeat(8);
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let steps = prop::collection::vec(step(), 4..24);
    if let Err(error) = runner.run(&steps, |steps| runtime.block_on(case(steps))) {
        panic!("{error}");
    }
}
