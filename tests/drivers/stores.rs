use payments_wasm::paywall::state::{Command, MemoryStore, ObjectStore, Reply, apply};
use payments_wasm::sqlite::SqliteStore;

#[test]
fn both_stores_keep_rows_alike() {
    let stores: [(&str, Box<dyn ObjectStore>); 2] =
        [("memory", Box::new(MemoryStore::new())), ("sqlite", Box::new(SqliteStore::in_memory().unwrap()))];
    for (name, mut store) in stores {
        let mut run = |object: &str, work: &mut dyn FnMut(&mut dyn payments_wasm::paywall::state::Rows)| {
            store
                .run(object, &mut |rows| {
                    work(rows);
                    Ok(())
                })
                .unwrap();
        };
        run("a", &mut |rows| {
            for (id, due) in [("1", Some(30)), ("2", None), ("3", Some(10)), ("4", Some(20))] {
                rows.put("entry", id, id, due).unwrap();
            }
            rows.put("other", "1", "x", Some(5)).unwrap();
            rows.put("entry", "1", "one", Some(15)).unwrap();
            rows.remove("entry", "4").unwrap();
        });
        run("b", &mut |rows| rows.put("entry", "1", "of b", None).unwrap());
        run("a", &mut |rows| {
            let ids = |rows: Vec<payments_wasm::paywall::state::Row>| {
                rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
            };
            assert_eq!(rows.get("entry", "1").unwrap().as_deref(), Some("one"), "{name}");
            assert_eq!(rows.get("entry", "4").unwrap(), None, "{name}");
            assert_eq!(ids(rows.list("entry", None, 9).unwrap()), ["1", "2", "3"], "{name}");
            assert_eq!(ids(rows.list("entry", Some("1"), 1).unwrap()), ["2"], "{name}");
            assert_eq!(ids(rows.due(15, 9).unwrap()), ["1", "3", "1"], "{name}");
            assert_eq!(ids(rows.due(15, 1).unwrap()), ["1"], "{name}");
            assert_eq!(rows.next_due().unwrap(), Some(5), "{name}");
        });
        assert_eq!(store.next_due().unwrap(), Some((5, "a".into())), "{name}");
        let failed = store.run("a", &mut |rows| {
            apply(&mut &mut *rows, &Command::Journal { after: None, book: false }, 0).map(|reply| {
                assert!(matches!(reply, Reply::Journal { .. }));
            })
        });
        // The rows above are no entries of the journal.
        assert!(failed.is_err(), "{name}");
    }
}
