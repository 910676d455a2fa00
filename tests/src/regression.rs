//! One test for each bug that the promises had missed.

use crate::rig::{Program, Site, cache, run};
use serde_json::json;
use tracker_stack::{Broker, BrokerOptions, free_ports};

/// The client waited for ever to say goodbye to its group.
#[test]
fn a_processor_ends_when_it_is_told_to_though_its_broker_is_gone() {
    run(async {
        let [port, controller] = *free_ports(2).unwrap() else { panic!("two ports") };
        let folder = tempfile::tempdir().unwrap();
        let options = BrokerOptions::new(cache(), folder.path(), port, controller);
        let mut broker = Broker::start(options).await.unwrap();
        let mut site = Site::start("broker_gone", &[("KAFKA__BROKERS", &broker.address())]).await;
        let eid = uuid::Uuid::now_v7().to_string();
        let answer = site.post("/tr/v1/tr/", json!({ "eid": eid, "ename": "last" }).to_string()).await;
        assert_eq!(answer.status, 200);
        site.event(&eid).await;
        broker.kill();
        let ended = site.stop(Program::Load).await.and_then(|status| status.code());
        assert_eq!(ended, Some(0), "see {}", site.log(Program::Load).display());
    });
}
