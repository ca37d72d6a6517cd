//! What a patient does is in the figures of the programme: counted from the audit log of a running node.

use inzage::clock::Clock as _;
use inzage::report::{Channel, Distinct, Figures, Period, Requests, Scope};

use super::register::registered;
use crate::harness::Gateway;
use crate::lists::DELINDE;

/// The figures of a scope in this month, once they are so.
async fn figures(gateway: &Gateway, scope: &str, so: impl Fn(&Figures) -> bool) -> Figures {
    let (scope, desk) = (Scope::parse(scope).unwrap(), gateway.controls().figures.clone());
    let period = Period::month_of(gateway.clock.now()).unwrap();
    loop {
        let figures = desk.figures(&scope, period).await.unwrap();
        if so(&figures) {
            return figures;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn somebody_who_collects_twice_is_one_viewer() {
    let gateway = Gateway::start().await;
    registered(&gateway).await;
    for _ in 0..2 {
        let session = gateway.session(DELINDE, &gateway.patient()).await;
        assert_eq!(session.get("EpisodeOfCare").await.status, 200);
        assert_ne!(session.get("EpisodeOfCare?nonsense=1").await.status, 200);
    }
    let ended =
        |outcome: &str| gateway.audit_of("disclosure_outcome").iter().filter(|one| one["outcome"] == outcome).count();
    let (succeeded, refused) = (ended("done") as u64, gateway.audit_of("resource_refused").len() as u64);
    assert_eq!((succeeded, refused), (2, 2));
    let asked = Requests { succeeded, failed: refused, aborted: 0 };
    let all = |figures: &Figures| figures.all_requests() == asked && figures.counted_until.is_some();
    for scope in ["practice:huisarts.delinde@medmij", "coalition:waterland", "supplier:his-a", "whole"] {
        let figures = figures(&gateway, scope, all).await;
        assert_eq!((figures.viewers, figures.repeat), (Distinct::exact(1), Distinct::exact(0)), "{scope}");
        assert_eq!(figures.by_channel, [(Channel::Pgo, Distinct::exact(1)), (Channel::Portal, Distinct::exact(0))]);
        assert_eq!(figures.by_service.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["49"]);
        assert_eq!((figures.practices_with_viewer, figures.first_retrievals, figures.running), (1, 1, true));
        assert_eq!(figures.waiting.map(|median| median.of), Some(2));
        assert!(figures.counted_until.is_some_and(|until| until <= gateway.clock.now()), "{scope}");
    }
    let other = figures(&gateway, "practice:dijkzicht@medmij", |_| true).await;
    assert_eq!((other.viewers, other.all_requests()), (Distinct::exact(0), Requests::default()));
    let linde = figures(&gateway, "practice:huisarts.delinde@medmij", |figures| figures.on_zal == 1).await;
    assert!(linde.on_zal_since.is_some() && linde.first_retrieval.is_some());
    assert_eq!(figures(&gateway, "whole", |_| true).await.on_zal, 1, "the other one is not on it");
    gateway.stop().await;
}
