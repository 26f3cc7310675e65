//! The fate of one row, and what happened to a run.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::TestDb;
use crate::program::{MIGRATED, Things, fixture, number, sqlmig, target, text};

const ROWS: [&str; 4] = ["1|one|1.5|{}|{a,b}|x", "2|\\N|2|{}|{}|y", "3|three|3|\\N|\\N|\\N", "4|four|4|\\N|\\N|\\N"];

/// What the built-in project says of a row.
async fn why(db: &TestDb, arguments: &str) -> Value {
    sqlmig(db, &format!("why {arguments} --output json")).await.code(0).json()
}

fn verdicts(why: &Value) -> Vec<&str> {
    why["fates"].as_array().unwrap().iter().map(|fate| fate["verdict"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_promoted_row_is_followed_from_the_dump_to_the_final_table() {
    let db = TestDb::from(&MIGRATED, "why_promoted").await;
    let client = db.connect().await;
    sqlmig(&db, &format!("run {} --batch-size 50", fixture("docs.sql.gz"))).await.code(0);
    let by_row = why(&db, "public.documents row:150").await;
    let found = &by_row["finals"][0];
    let (key, batch) = (found["key"].as_str().unwrap(), &by_row["fates"][0]["batches"][0]);
    assert_eq!(key, "raydium/raydium-clmm/raydium-clmm/swap/page-150.md");
    let pairs = "documents doc_type=raydium source_name=raydium-clmm doc_path=raydium-clmm/swap/page-150.md";
    for arguments in [&*format!("documents {key}"), pairs] {
        let other = why(&db, arguments).await;
        assert_eq!((&other["finals"], &other["fates"]), (&by_row["finals"], &by_row["fates"]), "{arguments}");
    }
    assert_eq!(by_row["fates"].as_array().unwrap().len(), 1);
    let fate = &by_row["fates"][0];
    assert_eq!(fate["verdict"], format!("inserted in public.documents by batch {}", batch["number"]));
    assert_eq!((&fate["row"], &fate["in_staging"], &fate["quarantine"]), (&150.into(), &true.into(), &Value::Null));
    let chunk = &fate["chunk"];
    let first = chunk["first_row"].as_i64().unwrap();
    assert!(first <= 150 && chunk["last_row"].as_i64() >= Some(150), "{chunk}");
    // Where the chunk begins in the dump: its first row's own line and byte, found by reading the dump.
    let dump = Command::new("gzip").arg("-dc").arg(fixture("docs.sql.gz")).output().unwrap().stdout;
    let id = text(&client, &format!("select id from staging.documents where _row = {first}")).await;
    let byte = memchr::memmem::find(&dump, format!("\n{id}\t").as_bytes()).unwrap() + 1;
    let line = dump[..byte].split(|byte| *byte == b'\n').count();
    assert_eq!((&chunk["first_line"], &chunk["first_byte"]), (&line.into(), &byte.into()));
    // And the line of the row itself.
    let id = text(&client, "select id from staging.documents where _row = 150").await;
    let line =
        dump.split(|byte| *byte == b'\n').position(|line| line.starts_with(format!("{id}\t").as_bytes())).unwrap() + 1;
    assert_eq!((&fate["line"], &fate["byte"]), (&line.into(), &Value::Null));
    let recorded = "select to_jsonb(b) from (select number, first_row, last_row, state, xid::text, epoch from sqlmig.batch where source = 'public.documents' and 150 between first_row and last_row) as b";
    let recorded: Value = serde_json::from_str(&text(&client, recorded).await).unwrap();
    for (name, value) in recorded.as_object().unwrap() {
        assert_eq!(&batch[name], value, "{name}");
    }
    assert_eq!((&batch["operation"], &batch["first_row"]), (&"insert".into(), &101.into()));
    assert_eq!((&found["written_by"], &found["batch"]), (&fate["run"]["id"], &batch["number"]));
    let staged = fate["staged"].as_array().unwrap().iter().find(|column| column["column"] == "doc_path").unwrap();
    assert_eq!(staged["value"], "raydium-clmm/swap/page-150.md");
    // Somebody else changes it.
    client
        .batch_execute("update public.documents set token_count = 1 where doc_path like '%page-150.md'")
        .await
        .unwrap();
    let changed = why(&db, "documents row:150").await;
    assert_eq!((&changed["finals"][0]["exists"], &changed["finals"][0]["written_by"]), (&true.into(), &Value::Null));
    client.batch_execute("delete from public.documents where doc_path like '%page-150.md'").await.unwrap();
    assert_eq!(why(&db, "documents row:150").await["finals"][0]["exists"], false);
    // For people.
    let told = sqlmig(&db, "why documents row:150").await.code(0).stdout;
    for part in ["not in the table", "150 of public.documents", "inserted", "epoch", "page-150.md"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[tokio::test]
async fn a_row_that_never_made_it_is_found_by_the_key_it_would_have_had() {
    let db = TestDb::from(&MIGRATED, "why_out").await;
    sqlmig(&db, &format!("run {}", fixture("docs.sql.gz"))).await.code(0);
    let by_row = why(&db, "documents row:6").await;
    let fate = &by_row["fates"][0];
    assert!(fate["verdict"].as_str().unwrap().starts_with("taken out by embedding_dimensions: "), "{fate}");
    assert_eq!((&fate["quarantine"]["row"], &fate["batches"]), (&6.into(), &json!([])));
    assert_eq!(fate["found_by"][0]["check"], "embedding_dimensions");
    let wanted = by_row["finals"][0]["key"].as_str().unwrap().to_owned();
    assert_eq!(by_row["finals"][0]["exists"], false);
    let by_key = why(&db, &format!("documents {wanted}")).await;
    assert_eq!(by_key["fates"], by_row["fates"]);
    // Also once its staging table holds another run, whose own fate of that key comes first.
    sqlmig(&db, &format!("run {} --force", fixture("docs.sql.gz"))).await.code(0);
    let both = why(&db, &format!("documents {wanted}")).await;
    assert_eq!(verdicts(&both).len(), 2, "{both}");
    assert_eq!((&both["fates"][0]["in_staging"], &both["fates"][1]["in_staging"]), (&true.into(), &false.into()));
    assert_eq!(both["fates"][1]["staged"], fate["staged"]);
    let run = fate["run"]["id"].as_str().unwrap();
    assert_eq!(verdicts(&why(&db, &format!("documents {wanted} --run {run}")).await).len(), 1);
    // Of a row that is merged, into which; of the winner, from which.
    let client = db.connect().await;
    let merged = "from sqlmig.merged where source = 'public.documents' order by row limit 1";
    let (loser, winner) = (
        number(&client, &format!("select row {merged}")).await,
        number(&client, &format!("select winner_row {merged}")).await,
    );
    let lost = why(&db, &format!("documents row:{loser} --run {run}")).await;
    assert_eq!(lost["fates"][0]["merged_into"]["row"], winner);
    assert!(verdicts(&lost)[0].starts_with(&format!("merged into row {winner} of public.documents")));
    let won = why(&db, &format!("documents row:{winner} --run {run}")).await;
    assert_eq!(won["fates"][0]["took_from"][0]["row"], loser);
    // No row, no table, half a key.
    let none = why(&db, "documents rust/no/such").await;
    assert_eq!((&none["fates"], &none["finals"]), (&json!([]), &json!([])));
    assert_eq!(why(&db, "documents row:9999").await["fates"], json!([]));
    let refused = async |arguments: &str| sqlmig(&db, &format!("why {arguments}")).await.code(2);
    refused("nothing 1").await.says(&["nothing is neither", "public.documents"]);
    refused("documents doc_type=rust").await.says(&["doc_type, source_name, doc_path", "source_name is not given"]);
    refused("documents row:x").await.says(&["row:N"]);
    refused("documents row:1 --run 019ab1c2-0000-7000-8000-000000000001").await.says(&["there is no run"]);
}

#[tokio::test]
async fn every_run_that_touched_a_row_is_named() {
    let db = TestDb::new("why_runs").await;
    let things = Things::new();
    let why = async |arguments: &str| things.sqlmig(&db, &format!("why {arguments}")).await.code(0).json();
    things.sqlmig(&db, "why things 1").await.code(2).says(&["there is no run"]);
    let first = things.run(&db, &ROWS).await.code(0).json();
    things.run(&db, &["4|four|4|\\N|\\N|\\N", "1|uno|1.5|{}|{a,b}|x"]).await.code(0);
    let told = why("things 1").await;
    // The older run is not staged any more: its before-images know the batch, and nobody the row.
    assert_eq!(verdicts(&told), ["updated in public.things by batch 1", "inserted in public.things by batch 1"]);
    assert_eq!((&told["fates"][0]["row"], &told["fates"][1]["row"]), (&2.into(), &Value::Null));
    assert_eq!(told["finals"][0]["written_by"], told["fates"][0]["run"]["id"]);
    assert_eq!(verdicts(&why("things id=4").await)[0], "found unchanged in public.things by batch 1");
    assert_eq!(verdicts(&why("things 3").await), ["inserted in public.things by batch 1"]);
    // A row in quarantine, mended: the retry knows it whole, also when its staging is gone.
    let retry = format!("quarantine retry things 2 --set name=two --run {}", first["run"]["id"].as_str().unwrap());
    things.sqlmig(&db, &retry).await.code(0);
    things.run(&db, &["9|nine|9|\\N|\\N|\\N"]).await.code(0);
    let told = why("things 2").await;
    let (retried, out) = (&told["fates"][0], &told["fates"][1]);
    assert_eq!((&retried["retried_from"], &retried["mended"]), (&first["run"]["id"], &json!(["name"])));
    assert_eq!((&retried["verdict"], &retried["row"]), (&"inserted in public.things by batch 1".into(), &2.into()));
    assert_eq!(
        out["verdict"].as_str().unwrap(),
        format!(
            "taken out by name_missing: name is missing; tried again by run {}",
            retried["run"]["id"].as_str().unwrap()
        )
    );
    assert_eq!(out["tries"][0]["run"], retried["run"]["id"]);
}

#[tokio::test]
async fn a_source_table_of_another_name_leads_to_its_final_table() {
    let db = TestDb::from(&MIGRATED, "why_crates").await;
    sqlmig(&db, &format!("run {}", fixture("crates.sql.gz"))).await.code(0);
    let name = text(&db.connect().await, "select name from staging.crates where _row = 3").await;
    let by_row = why(&db, "crates row:3").await;
    let by_key = why(&db, &format!("public.crates rust/{name}")).await;
    assert_eq!(by_row["fates"], by_key["fates"]);
    assert_eq!(by_row["finals"][0]["target"], "public.document_sources");
    // The totals of a source are written again, by a transform that reads no source rows.
    let batches = by_row["fates"][0]["batches"].as_array().unwrap();
    assert_eq!(batches[0]["operation"], "insert");
    // A final table that several source tables feed has no rows of its own to count.
    sqlmig(&db, "why document_sources row:1").await.code(0);
    // A row that could not be decoded has no key: that is said, not hidden.
    let db = TestDb::from(&MIGRATED, "why_undecoded").await;
    sqlmig(&db, &format!("run {}", fixture("unreadable.sql.gz"))).await.code(0);
    let told = why(&db, "documents cilium/hubble/hubble/bandwidth/page-17.md").await;
    assert!(told["notes"][0].as_str().unwrap().starts_with("4 rows could not be decoded"), "{told}");
    let row = why(&db, "documents row:17").await;
    assert_eq!(
        (&row["fates"][0]["line"], &row["fates"][0]["quarantine"]["code"]),
        (&203.into(), &"vector_syntax".into())
    );
    assert!(row["fates"][0]["byte"].as_i64() > Some(0));
}

#[tokio::test]
async fn what_happened_to_a_run_is_told() {
    let db = TestDb::new("events").await;
    let things = Things::new();
    let report = things.run(&db, &ROWS).await.code(0).json();
    let run = report["run"]["id"].as_str().unwrap();
    let history = things.sqlmig(&db, &format!("history --run {run}")).await.code(0).json();
    assert_eq!(
        (&history["run"], &history["events"], &history["format"]),
        (&report["run"], &report["events"], &1.into())
    );
    let told: Vec<(&str, &str)> = history["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["kind"] == "state" || event["kind"] == "begun")
        .map(|event| (event["kind"].as_str().unwrap(), event["message"].as_str().unwrap()))
        .collect();
    assert!(told[0].0 == "begun" && told[0].1.contains("by project things"), "{told:?}");
    assert_eq!(told.last(), Some(&("state", "promoted to done")));
    let who = text(&target(&db).await.connect().await.unwrap(), "select session_user").await;
    for event in history["events"].as_array().unwrap() {
        assert_eq!(event["who"].as_str(), Some(&*who), "{event}");
        assert!(event["application"].as_str().unwrap().starts_with("sqlmig "), "{event}");
        assert!(event["at"].as_str().unwrap() >= report["run"]["started_at"].as_str().unwrap(), "{event}");
    }
    let table = sqlmig(&db, &format!("history --run {run}")).await.code(0).stdout;
    assert!(table.contains("promoted to done") && table.contains(&who), "{table}");
    sqlmig(&db, "history --run 019ab1c2-0000-7000-8000-000000000001").await.code(2).says(&["there is no run"]);
}
