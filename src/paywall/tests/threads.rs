//! The gate moves between threads: an asynchronous server of several threads can hold it.

use super::*;
use crate::paywall::{Event, Live};

#[test]
fn the_gate_and_its_flows_are_send_and_the_gate_is_sync() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<Gate>();
    send::<RequestFlow>();
    send::<Settings>();
    send::<Action>();
    send::<Event>();
    send::<Live>();
    sync::<Gate>();
    sync::<Settings>();
}

#[test]
fn requests_on_several_threads_share_one_gate() {
    let gate = gate(&[]);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let gate = gate.clone();
            std::thread::spawn(move || {
                let (mut flow, action) = gate.open(&ask("POST", "/ask", &[("payment-signature", &token())]));
                assert!(matches!(action, Action::Call(_)));
                let forward = flow.handle_event(valid(), NOW);
                assert!(matches!(forward, Action::Forward(_)));
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let page = gate.shared.counters.page();
    assert!(page.contains("on=\"verify\"} 4"), "{page}");
}
