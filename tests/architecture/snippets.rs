//! The checker can fail: small packages that break one rule each, and text that only looks like it.

use crate::scan::{Source, tokens};
use crate::{Package, is_within, part, refused};

fn package(files: &[(&str, &str)]) -> Package {
    Package::of(&files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect::<Vec<_>>())
}

fn edges(files: &[(&str, &str)]) -> Vec<String> {
    package(files).wrong_edges(&[]).0.into_iter().collect()
}

fn words(text: &str) -> Vec<String> {
    tokens(text).into_iter().map(|token| token.text).collect()
}

const STORE: (&str, &str) = ("src/store.rs", "pub struct Database;");
const LISTS: (&str, &str) = ("src/lists.rs", "mod source;\npub use source::{HttpsSource as Fetch};\npub struct Lists;");
const SOURCE: (&str, &str) = ("src/lists/source.rs", "use super::Lists;\npub struct HttpsSource(Lists);");

#[test]
fn an_edge_outwards_is_found_in_every_way_of_writing_it() {
    for text in [
        "use crate::store::Database;",
        "use crate::{clock::Clock, store::{self, Database}};",
        "use crate::{\n    store as disk,\n};",
        "fn a(d: crate::store::Database) {}",
        "fn a() -> Vec<crate::store::Database> { Vec::new() }",
        "use super::store::Database;",
        "pub use crate::store::Database;",
        "#[cfg(feature = \"sandbox\")]\nuse crate::store::Database;",
        "#[cfg(not(test))]\nuse crate::store::Database;",
    ] {
        let found = edges(&[STORE, ("src/routing.rs", text)]);
        let told = |found: &String| found.starts_with("src/routing.rs:") && found.contains("declare a port");
        assert!(found.first().is_some_and(told), "{text}: {found:?}");
    }
}

#[test]
fn an_edge_inwards_is_none() {
    assert!(edges(&[("src/clock.rs", "pub trait Clock {}"), ("src/store.rs", "use crate::clock::Clock;")]).is_empty());
}

#[test]
fn a_name_that_a_parent_passes_on_leads_to_where_it_is_made() {
    let files = |user: &'static str| [LISTS, SOURCE, ("src/routing.rs", user)];
    assert!(edges(&files("use crate::lists::Lists;")).is_empty());
    assert_eq!(edges(&files("use crate::lists::Fetch;")).len(), 1);
    assert_eq!(edges(&files("use crate::lists;\nfn a() { lists::Fetch::new() }")).len(), 1);
    let found = edges(&files("use crate::lists::Fetch;"));
    assert!(found[0].contains("crate::lists::source::HttpsSource"), "{found:?}");
}

#[test]
fn an_exception_allows_one_edge_and_is_counted() {
    let package = package(&[STORE, ("src/routing.rs", "use crate::store::Database;")]);
    let (wrong, used) = package.wrong_edges(&[("lists", "store", "other"), ("routing", "store", "because")]);
    assert!(wrong.is_empty());
    assert_eq!(used.into_iter().collect::<Vec<_>>(), [1]);
}

#[test]
fn text_tests_and_comments_are_no_edges() {
    for text in [
        "// use crate::store::Database;",
        "/* use crate::store::Database; /* nested */ crate::store::x() */",
        "const A: &str = \"crate::store::Database\";",
        "const A: &str = r#\"quote \" crate::store::Database\"#;",
        "const A: char = '\"'; // \" crate::store::Database",
        "#[cfg(test)]\nmod tests {\n    use crate::store::Database;\n}",
        "#[cfg(test)]\n#[cfg(feature = \"sandbox\")]\nfn a(d: crate::store::Database) { { } }",
        "#[cfg(all(test, feature = \"sandbox\"))]\nuse crate::store::Database;",
        "fn a(crate_store: u8) { store::Database; }",
    ] {
        assert_eq!(edges(&[STORE, ("src/routing.rs", text)]), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn code_after_a_test_module_counts_again() {
    let text = "#[cfg(test)]\nmod tests { fn a() { if x { } } }\nuse crate::store::Database;";
    assert!(edges(&[STORE, ("src/routing.rs", text)])[0].starts_with("src/routing.rs:3:"));
}

#[test]
fn a_file_of_tests_is_known_by_its_declaration() {
    let found = package(&[
        ("src/routing.rs", "#[cfg(test)]\nmod checks;"),
        ("src/routing/checks.rs", "mod deeper;"),
        ("src/routing/checks/deeper.rs", "use crate::sandbox::World;"),
    ]);
    assert_eq!(found.test_files.len(), 2);
    assert!(found.wrong_names().is_empty());
}

#[test]
fn sockets_reach_the_outside_through_ports_only() {
    let at = |name| part(name).unwrap();
    assert!(refused(at("oauth::http"), at("store")).unwrap().contains("port"));
    assert!(refused(at("oauth::http"), at("fhir::http")).unwrap().contains("another"));
    assert!(refused(at("oauth::http"), at("tls::peer")).is_none());
    assert!(refused(at("lists"), at("lists::source")).unwrap().contains("comes after"));
    assert_eq!((part("lists::zal"), part("")), (part("lists"), None));
    assert!(is_within("lists::zal", "lists") && !is_within("listsmore", "lists"));
}

#[test]
fn a_crate_out_of_its_place_is_found() {
    for text in [
        "use axum::Router;",
        "fn a(request: axum::extract::Request) {}",
        "use tokio::{net::TcpStream, sync::Notify};",
        "use tokio::net;\nfn a(s: net::TcpStream) {}",
        "use std::{env, fmt};",
        "fn a() { std::env::var(\"A\") }",
        "use crate::config::Config;",
        "use crate::sandbox::world::World;",
    ] {
        assert!(!package(&[("src/fhir/read.rs", text)]).wrong_names().is_empty(), "{text}");
    }
    for text in ["use tokio::sync::Notify;", "fn a() { env!(\"A\"); x.axum(); }", "use crate::configuration::Config;"] {
        assert!(package(&[("src/fhir/read.rs", text)]).wrong_names().is_empty(), "{text}");
    }
    assert!(package(&[("src/fhir/http.rs", "use axum::Router;")]).wrong_names().is_empty());
}

#[test]
fn a_receipt_made_elsewhere_is_found() {
    let audit = ("src/audit.rs", "pub struct AuditReceipt;");
    let makes = "use crate::audit::AuditReceipt;\nfn a() { AuditReceipt::durable(log, 1) }";
    assert_eq!(package(&[audit, ("src/fhir/read.rs", makes)]).wrong_names().len(), 1);
}

#[test]
fn panics_are_counted_outside_tests() {
    let text = "fn a() { b.unwrap(); c.expect(\"why\"); d.unwrap_or(1); self.expect(b':'); }\n\
                #[cfg(test)]\nmod tests {\n    fn a() { b.unwrap() }\n}";
    let (places, lines) = package(&[("src/form.rs", text)]).unwraps();
    assert_eq!((places.len(), lines), (2, 1));
    assert_eq!(package(&[("src/form.rs", "fn a() { panic!(\"x\") }")]).wrong_macros().len(), 1);
    assert_eq!(package(&[("src/form.rs", "fn a() { println!() }")]).wrong_macros().len(), 1);
    assert!(package(&[("src/cli.rs", "fn a() { println!() }")]).wrong_macros().is_empty());
    assert!(package(&[("src/form.rs", "fn a() { panic != b; assert!(c) }")]).wrong_macros().is_empty());
}

#[test]
fn strings_characters_and_lifetimes_are_told_apart() {
    assert_eq!(words("a('x', '\\'', '\\u{7b}', \"\\\"\", b'{')"), ["a", "(", ",", ",", ",", "\"", ",", "b", ")"]);
    assert_eq!(words("fn a<'b>(c: &'b str) {}").join(" "), "fn a < > ( c : & str ) { }");
    assert_eq!(words("r##\"a\"# b\"## + br\"\\\" + c"), ["\"", "+", "\"", "+", "c"]);
    assert_eq!(words("r#type + bridge"), ["r", "#", "type", "+", "bridge"]);
}

#[test]
fn a_use_tree_is_read_whole() {
    let source =
        Source::read("pub(crate) use a::{self, b::{C as D, e}, *};\nfn f() -> impl Sized + use<> { g::h::<I>() }");
    let found: Vec<_> =
        source.paths().into_iter().map(|path| (path.segments.join("::"), path.name, path.exported)).collect();
    let name = |text: &str| Some(text.to_owned());
    assert_eq!(
        found,
        [
            ("a".to_owned(), name("a"), true),
            ("a::b::C".to_owned(), name("D"), true),
            ("a::b::e".to_owned(), name("e"), true),
            ("a::*".to_owned(), name("*"), true),
            ("g::h".to_owned(), None, false),
        ]
    );
}
