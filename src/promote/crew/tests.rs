//! How many workers there are, at speeds that are made up.

use super::*;
use crate::db::ServerActivity;

/// A crew that finds its size, on a machine of two cores.
fn adapting(most: usize) -> Crew {
    Crew::adapting(most, Start::of(2, most, None))
}

#[test]
fn it_begins_with_the_cores_of_this_machine_and_what_there_is_room_for() {
    let room = |connections| Some(Room { connections, bound: "max_connections".into() });
    let start = |cores, most, room| {
        let start = Start::of(cores, most, room);
        (start.workers, start.why)
    };
    let said = |workers: usize, why: &str| (workers, why.to_owned());
    assert_eq!(start(2, 16, room(90)), said(2, "2 cores here"));
    assert_eq!(start(3, 16, None), said(3, "3 cores here"));
    assert_eq!(start(4, 16, None), said(4, "4 cores here"));
    // One writes while the other waits for its COMMIT.
    assert_eq!(start(1, 16, room(90)), said(2, "1 core here"));
    assert_eq!(start(64, 16, room(90)), said(4, "64 cores here, and no more at first"));
    assert_eq!(start(64, 3, room(90)), said(3, "no more by --max-connections"));
    assert_eq!(start(64, 16, room(3)), said(3, "connections that are free by max_connections: 3"));
    assert_eq!(start(64, 2, room(1)), said(1, "connections that are free by max_connections: 1"));
    // Whatever is said, somebody must do it.
    assert_eq!(start(64, 16, room(0)).0, 1);
    assert_eq!(start(64, 0, None).0, 1);
    // It goes on from there.
    let crew = Crew::adapting(16, Start::of(8, 16, None));
    assert_eq!((crew.size(), crew.places()), (4, 16));
    let next = crew.state().judge(1000.0, 16).map(|change| change.workers);
    assert_eq!(next, Some(5));
}

/// Sizes that the crew goes through when rows a second depend on the size as `rate` says.
fn sizes(most: usize, rounds: usize, rate: impl Fn(usize, usize) -> f64) -> Vec<usize> {
    let crew = adapting(most);
    let mut sizes = vec![crew.size()];
    for round in 0..rounds {
        let mut state = crew.state();
        let now = state.size;
        if let Some(change) = state.judge(rate(now, round), most) {
            sizes.push(change.workers);
        }
    }
    sizes
}

#[test]
fn one_more_stays_while_it_is_faster() {
    // Four cores: beyond them nothing is gained.
    let sizes = sizes(16, 6, |size, _| 1000.0 * f64::from(u32::try_from(size.min(4)).unwrap()));
    assert_eq!(sizes, [2, 3, 4, 5, 4]);
}

#[test]
fn fewer_stay_when_they_are_as_fast() {
    // One disk: two only get into each other's way.
    let sizes = sizes(16, 4, |size, _| if size == 1 { 1000.0 } else { 900.0 });
    assert_eq!(sizes[..3], [2, 3, 2]);
    let later = sizes_after_keeping(|size| if size == 1 { 1000.0 } else { 900.0 });
    assert_eq!(later, [2, 3, 2, 1]);
}

fn sizes_after_keeping(rate: impl Fn(usize) -> f64) -> Vec<usize> {
    sizes(3, 2 + usize::try_from(KEPT_FOR).unwrap() + 2, |size, _| rate(size))
}

#[test]
fn what_changes_during_the_run_is_followed() {
    let kept = usize::try_from(KEPT_FOR).unwrap();
    // At first a third worker is of no use; later others leave the server, and it is.
    let sizes =
        sizes(
            3,
            2 * kept + 8,
            |size, round| {
                if round < kept { 1000.0 } else { 1000.0 * f64::from(u32::try_from(size).unwrap()) }
            },
        );
    assert_eq!(sizes.last(), Some(&3), "{sizes:?}");
}

#[test]
fn never_more_than_allowed_and_never_none() {
    for most in 1..4 {
        assert!(
            sizes(most, 100, |size, _| 1.0 / f64::from(u32::try_from(size).unwrap()))
                .iter()
                .all(|size| (1..=most).contains(size))
        );
        assert!(
            sizes(most, 100, |size, _| f64::from(u32::try_from(size).unwrap()))
                .iter()
                .all(|size| (1..=most).contains(size))
        );
    }
}

#[test]
fn a_server_without_room_is_asked_for_less() {
    let crew = adapting(8);
    assert_eq!(crew.too_many().map(|change| change.workers), Some(1));
    assert_eq!(crew.too_many(), None);
    assert_eq!(Crew::fixed(3).too_many(), None);
}

/// Commits so many batches, after as long as a measurement takes at least.
fn commit(crew: &Crew, batches: usize, rows: u64) -> Option<Change> {
    let since = Instant::now().checked_sub(MEASURED_FOR);
    crew.state().measured_since = since.unwrap();
    (0..batches).map(|_| crew.finished(rows)).last().unwrap()
}

#[test]
fn a_size_is_measured_over_some_batches_and_some_time() {
    let crew = adapting(8);
    // At 1,000 rows a second.
    let change = commit(&crew, 2 * BATCHES_A_WORKER - 1, 100);
    assert_eq!((change, crew.size()), (None, 2));
    assert_eq!(crew.finished(0).unwrap(), Change { workers: 3, why: "1000 rows/s with 2".into() });
    // Anew: neither rows nor batches nor the time from before.
    let state = crew.state();
    assert_eq!((state.rows, state.batches, state.before), (0, 0, Some(2)));
    drop(state);
    for _ in 0..3 * BATCHES_A_WORKER {
        assert_eq!(crew.finished(50), None, "a moment is no measurement");
    }
    // No faster with three.
    let why = "1000 rows/s with 2, 1000 rows/s with 3".into();
    assert_eq!(commit(&crew, 1, 50).unwrap(), Change { workers: 2, why });
    // The rows of another transform say nothing of these.
    crew.begin();
    let state = crew.state();
    assert!(state.rates.is_empty() && state.keep == 0 && state.before.is_none());
    drop(state);
    assert_eq!(commit(&Crew::fixed(3), 100, 100), None);
}

#[test]
fn fewer_go_on_to_be_fewer_while_they_are_faster() {
    // Each worker is in the way of the others.
    assert_eq!(sizes_after_keeping(|size| 1200.0 / f64::from(u32::try_from(size).unwrap())), [2, 3, 2, 1]);
    let crew = adapting(4);
    let mut state = crew.state();
    state.size = 4;
    let went: Vec<usize> =
        [100.0, 200.0, 400.0].into_iter().map(|rate| state.judge(rate, 4).unwrap().workers).collect();
    assert_eq!((went, state.keep), (vec![3, 2, 1], 0));
    assert_eq!((state.judge(800.0, 4), state.keep), (None, KEPT_FOR));
}

#[test]
fn what_one_more_brings_must_be_worth_it() {
    // Where it goes from a size, after another one was measured; the second is the one that it came from.
    let next = |now: (usize, f64), other: (usize, f64), before: Option<usize>| {
        let crew = adapting(8);
        let mut state = crew.state();
        state.size = now.0;
        state.rates.insert(other.0, other.1);
        state.before = before;
        state.judge(now.1, 8).unwrap().workers
    };
    assert_eq!(next((3, 1080.0), (2, 1000.0), Some(2)), 4);
    assert_eq!(next((3, 1060.0), (2, 1000.0), Some(2)), 2);
    assert_eq!(next((2, 940.0), (3, 1000.0), Some(3)), 1);
    assert_eq!(next((2, 930.0), (3, 1000.0), Some(3)), 3);
    // One more is tried, but not where it was of no use the last time.
    assert_eq!(next((2, 1000.0), (3, 1080.0), None), 3);
    assert_eq!(next((2, 1000.0), (3, 1060.0), None), 1);
}

#[test]
fn it_tells_how_many_they_are_and_what_held_them_up() {
    let (time, nothing) = (Duration::from_millis, ServerActivity::default());
    assert_eq!(Crew::fixed(1).effort().told(&nothing), "1 worker");
    assert_eq!(
        adapting(8).effort().told(&nothing),
        "2 workers (auto; began with 2: 2 cores here; too few batches to try others)"
    );
    assert!(Crew::fixed(1).spent().shares().is_empty());
    let crew = Crew::fixed(3);
    assert_eq!((crew.places(), adapting(8).places(), adapting(1).size()), (3, 8, 1));
    crew.spent().add(time(50), time(20), time(10));
    crew.spent().add(time(50), time(40), time(20));
    let shares = crew.spent().shares().into_iter().map(|share| (share.part, (share.share * 100.0).round()));
    let parts = ["the server's statements", "COMMIT, that is the WAL", "locks and answers"].map(str::to_owned);
    assert!(shares.eq(parts.into_iter().zip([60.0, 30.0, 10.0])));
    let held = "held up by the server's statements (statements 60 %, COMMIT 30 %, locks and answers 10 %)";
    assert_eq!(crew.effort().told(&nothing), format!("3 workers; {held}"));
    let crew = adapting(8);
    commit(&crew, 2 * BATCHES_A_WORKER, 100);
    let measured = "3 workers (auto; began with 2: 2 cores here; 1200 rows/s with 2)";
    assert_eq!(crew.effort().told(&nothing), measured);
    // A last transform of a batch or two says nothing of it.
    crew.begin();
    assert_eq!(crew.effort().told(&nothing), measured);
}

#[test]
fn what_statements_took_so_long_for_is_told_by_what_the_server_was_seen_at() {
    let (time, nothing) = (Duration::from_millis, ServerActivity::default());
    let crew = Crew::fixed(1);
    crew.spent().add(time(100), time(60), time(30));
    let most = |seen: ServerActivity| {
        let told = crew.effort().told(&seen);
        let (most, parts) = told.strip_prefix("1 worker; held up by ").unwrap().split_once(" (").unwrap();
        assert!(parts.starts_with("statements 60 %, COMMIT 30 %, locks and answers 10 %"), "{told}");
        (most.to_owned(), parts.split_once("; ").map(|(_, seen)| seen.to_owned()))
    };
    assert_eq!(most(nothing), ("the server's statements".into(), None));
    let seen = "server: CPU 80 %, WAL 10 %, disk 10 %, locks 0 %)".to_owned();
    assert_eq!(most(ServerActivity { cpu: 8, wal: 1, disk: 1, ..nothing }), ("the server's CPU".into(), Some(seen)));
    assert_eq!(most(ServerActivity { locks: 9, cpu: 1, ..nothing }).0, "locks");
    // 30 % of the processor, 24 % of the disk, and 30 + 6 % of the WAL.
    assert_eq!(most(ServerActivity { cpu: 5, wal: 1, disk: 4, ..nothing }).0, "the WAL");
}

#[test]
fn a_try_that_waited_for_a_lock_in_vain_is_time_of_locks() {
    let (time, nothing) = (Duration::from_millis, ServerActivity::default());
    let crew = Crew::fixed(1);
    crew.spent().add(time(100), time(80), time(10));
    crew.spent().locked_out(time(100));
    let parts = "(statements 40 %, COMMIT 5 %, lock timeouts 50 %, locks and answers 5 %";
    assert_eq!(crew.effort().told(&nothing), format!("1 worker; held up by locks {parts})"));
    let told = crew.effort().told(&ServerActivity { cpu: 10, ..nothing });
    assert_eq!(told, format!("1 worker; held up by locks {parts}; server: CPU 100 %, WAL 0 %, disk 0 %, locks 0 %)"));
    assert!(
        crew.spent().shares().iter().any(|share| share.part == "lock timeouts" && (share.share - 0.5).abs() < 1e-9)
    );
}

#[tokio::test]
async fn places_beyond_the_size_wait_until_they_are_let_in_or_sent_home() {
    let crew = adapting(3);
    assert!(crew.admits(1).await);
    let let_in = tokio::join!(crew.admits(2), async {
        tokio::task::yield_now().await;
        crew.dismiss();
    });
    assert!(!let_in.0);
}
