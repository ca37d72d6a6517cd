//! Two processes of one configuration on one PostgreSQL database, the second behind a load balancer: what one does holds for the
//! other. Each test ends by asking both whether they were asked.

mod codes;
mod database;
mod tickets;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use inzage::sandbox::client::{ClientError, Endpoints, PgoClient, Reply, new_id};
use inzage::sandbox::person::{Choices, End, Person};
use inzage::sandbox::relay::Relay;
use inzage::sandbox::world::World;
use serde_json::Value;

use crate::harness::{Home, Process, clock, get, text};

/// Where the ports of the second node lie: between those of the sandbox.
const OFFSET: u16 = 5;
/// Where each node is reached on the ports of the URLs: the first by itself, the second through a balancer.
const ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)];

/// Two nodes, and a PGO at each.
struct Nodes {
    world: World,
    processes: [Process; 2],
    ops: [String; 2],
    pgo: [PgoClient; 2],
    endpoints: Endpoints,
    /// Of the front and the back channel of the second node.
    _balancer: [Relay; 2],
}

impl Nodes {
    /// Starts each on its store, by URL.
    async fn start(home: &Home, world: World, stores: [&str; 2]) -> Self {
        let config = home.path("gateway.toml");
        // Both find the database empty.
        let a = Process::start(home, &["serve", "--config", text(&config), "--store", stores[0]]);
        let b = second(home, stores[1]);
        let balancer = [balance(&world.layout.front_origin()).await, balance(&world.layout.back_origin()).await];
        let ops = world.layout.ops_url();
        let ops = [ops.clone(), format!("http://127.0.0.1:{}", port(&ops) + OFFSET)];
        let processes = [a.ready(&ops[0]).await, b.ready(&ops[1]).await];
        let pgo = ADDRESSES.map(|address| world.client_by("pgo", address.into(), &clock()).unwrap());
        let endpoints = pgo[0].endpoints(world.practices[0].provider.as_str(), "49").await.unwrap();
        Self { world, processes, ops, pgo, endpoints, _balancer: balancer }
    }

    /// A willing person's code; each of their steps goes to the next of the nodes.
    async fn code(&self, nodes: &[PgoClient], indefinite: bool) -> String {
        let practice = &self.world.practices[0];
        let url = self.pgo[0].authorization_url(&self.endpoints, practice.provider.short(), "the state", &new_id());
        let choices = Choices { indefinite, ..Choices::willing(practice.patients[0].bsn.reveal()) };
        match Person::default().walk_over(nodes, &url, choices).await.unwrap() {
            End::Client(answer) => answer["code"].clone(),
            End::Page { status, html } => panic!("{status}: {html}"),
        }
    }

    async fn tokens(&self, node: usize, indefinite: bool) -> Value {
        let code = self.code(&self.pgo[node..=node], indefinite).await;
        let reply = self.present(node, &code).await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
        serde_json::from_slice(&reply.body).unwrap()
    }

    async fn present(&self, node: usize, code: &str) -> Reply {
        present(&self.pgo[node], &self.endpoints, code).await
    }

    async fn refresh(&self, node: usize, refresh: &str) -> Reply {
        self.pgo[node].refresh(&self.endpoints, refresh).await.unwrap()
    }

    /// The status of an answer that came whole; `None` when it was broken off.
    async fn status_of_data(&self, node: usize, token: &str) -> Option<u16> {
        ask(&self.pgo[node], &self.endpoints, token, &new_id()).await.map(|reply| reply.status.as_u16())
    }

    /// How many requests a node says that it answered on this channel.
    async fn answered(&self, node: usize, face: &str) -> u64 {
        let metrics = get(&self.ops[node], "/metrics").await.unwrap();
        let of_face = format!("inzage_answers_total{{face=\"{face}\",");
        let counts = metrics.lines().filter(|line| line.starts_with(&of_face));
        counts.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
    }

    /// Lets both read their configuration again, and returns when it is the one of this number at least that is in force.
    async fn reload(&mut self, generation: u64) {
        for (process, ops) in self.processes.iter_mut().zip(&self.ops) {
            process.signal("HUP");
            let in_force = async || {
                let metrics = get(ops, "/metrics").await?;
                let line = metrics.lines().find_map(|line| line.strip_prefix("inzage_configuration_generation "))?;
                (line.parse::<u64>().unwrap() >= generation).then_some(())
            };
            process.until("reload", in_force).await;
        }
    }

    /// Ends both in order, once each has said that it was asked.
    async fn stop(self) {
        for node in [0, 1] {
            assert!(self.answered(node, "back").await > 0, "nothing came to node {node}");
        }
        for process in self.processes {
            process.signal("TERM");
            let ended = process.ended().await;
            assert_eq!(ended.code, Some(0), "{}", ended.err);
        }
        self.world.stop().await.unwrap();
    }
}

fn second(home: &Home, store: &str) -> Process {
    let (config, offset) = (home.path("gateway.toml"), OFFSET.to_string());
    let arguments = ["serve", "--config", text(&config), "--store", store, "--node", "b", "--listen-offset", &offset];
    Process::start(home, &arguments)
}

/// A relay from the port of an origin to that of the second node.
async fn balance(origin: &str) -> Relay {
    let (from, to) = (port(origin), port(origin) + OFFSET);
    Relay::start((ADDRESSES[1], from).into(), SocketAddr::from((Ipv4Addr::LOCALHOST, to))).await.unwrap()
}

fn port(origin: &str) -> u16 {
    origin.rsplit_once(':').unwrap().1.parse().unwrap()
}

async fn present(pgo: &PgoClient, endpoints: &Endpoints, code: &str) -> Reply {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let form = [
        pair("grant_type", "authorization_code"),
        pair("code", code),
        pair("client_id", &pgo.client_id),
        pair("redirect_uri", &pgo.redirect_uri),
    ];
    pgo.token_request(&endpoints.token, &form, &new_id()).await.unwrap()
}

/// The answer to a request for data; `None` when it was broken off, as it is when the grant turns out to have ended meanwhile.
async fn ask(pgo: &PgoClient, endpoints: &Endpoints, token: &str, request_id: &str) -> Option<Reply> {
    let url = format!("{}/EpisodeOfCare", endpoints.resources["MM-2.0-HGB-FHIR"]);
    match pgo.get_as(&url, token, &new_id(), request_id).await {
        Ok(reply) => Some(reply),
        Err(ClientError::Http(error)) if error.is_body() || error.is_decode() => None,
        Err(error) => panic!("no answer: {error:?}"),
    }
}
