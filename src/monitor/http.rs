//! The operations face on the wire: `/livez`, `/readyz`, `/startupz`, `/metrics`. Loopback only; it holds no personal data.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::metrics::Metrics;
use super::ready::Readiness;

/// What the operations face shows.
#[derive(Clone)]
pub struct Monitor {
    /// Readiness.
    pub readiness: Arc<Readiness>,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// Called before the metrics are read.
    pub observe: Arc<dyn Fn(&Metrics) + Send + Sync>,
}

/// The routes.
pub fn router(monitor: Monitor) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/startupz", get(started))
        .route("/metrics", get(metrics))
        .with_state(monitor)
}

async fn ready(State(monitor): State<Monitor>) -> Response {
    let report = monitor.readiness.report();
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report)).into_response()
}

async fn started(State(monitor): State<Monitor>) -> Response {
    let started = monitor.readiness.is_started();
    let status = if started { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(serde_json::json!({"started": started}))).into_response()
}

async fn metrics(State(monitor): State<Monitor>) -> Response {
    (monitor.observe)(&monitor.metrics);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], monitor.metrics.to_text()).into_response()
}
