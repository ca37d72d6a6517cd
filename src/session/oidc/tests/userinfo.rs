//! Userinfo comes in the form that the configuration asks, from the provider, about the person of the id_token.

use serde_json::{Value, json};

use super::super::{OidcError, Userinfo};
use super::emulator::Canned;
use super::world::{Away, BSN, World};
use crate::jose::{DecryptionKey, JweError, JwsError, SignatureAlgorithm, SigningKey, encrypt};
use crate::session::login::{AssuranceLevel, LoginEnd};

const FORMS: [Userinfo; 4] = [Userinfo::Plain, Userinfo::Signed, Userinfo::Encrypted, Userinfo::SignedEncrypted];

async fn end(world: &World, away: &Away, userinfo: Canned) -> OidcError {
    world.give(&world.signed(&world.id_claims(away)));
    world.emulator.answer("/userinfo", userinfo);
    world.come_back(away).await.unwrap_err()
}

#[tokio::test]
async fn each_form_is_read_when_it_is_asked_and_no_other_is() {
    for asked in FORMS {
        let world = World::start(asked).await;
        let away = world.leave().await;
        world.give_all(&away, asked);
        assert_eq!(world.come_back(&away).await.unwrap().bsn.reveal(), BSN, "{asked:?}");
        for given in FORMS.into_iter().filter(|given| *given != asked) {
            let expected = match (asked, given) {
                (Userinfo::Signed, _) => OidcError::Userinfo(JwsError::Form),
                (_, Userinfo::Plain) | (Userinfo::Plain, _) => OidcError::MediaType,
                (Userinfo::Encrypted, Userinfo::SignedEncrypted) => OidcError::UserinfoClaims,
                (Userinfo::SignedEncrypted, Userinfo::Encrypted) => OidcError::Userinfo(JwsError::Form),
                _ => OidcError::SealedUserinfo(JweError::Form),
            };
            assert_eq!(end(&world, &away, world.person(given)).await, expected, "{asked:?} asked, {given:?} given");
        }
    }
}

#[tokio::test]
async fn claims_of_another_issuer_for_another_client_or_about_another_person_are_refused() {
    for form in [Userinfo::Signed, Userinfo::SignedEncrypted] {
        let world = World::start(form).await;
        let away = world.leave().await;
        for (name, value, expected) in [
            ("iss", json!("https://login.evil.example"), OidcError::UserinfoClaims),
            ("iss", Value::Null, OidcError::UserinfoClaims),
            ("aud", json!("another"), OidcError::UserinfoClaims),
            ("aud", Value::Null, OidcError::UserinfoClaims),
            ("exp", json!(world.now().as_second() - 31), OidcError::UserinfoClaims),
            ("exp", json!("tomorrow"), OidcError::UserinfoClaims),
            ("sub", json!("somebody else"), OidcError::OtherPerson),
            ("sub", Value::Null, OidcError::OtherPerson),
            ("bsn", json!("999911133"), OidcError::NoBsn),
            ("bsn", json!(""), OidcError::NoBsn),
            ("bsn", Value::Null, OidcError::NoBsn),
        ] {
            let mut claims = world.person_claims();
            claims[name] = value.clone();
            let signed = world.signed(&claims);
            let given = if form == Userinfo::Signed { signed } else { world.sealed(&signed, Some("JWT")) };
            let error = end(&world, &away, Canned::jwt(&given)).await;
            assert_eq!((error, error.end()), (expected, LoginEnd::Failed), "{name}: {value}");
        }
    }
}

#[tokio::test]
async fn neither_another_key_nor_another_recipient_passes() {
    let world = World::start(Userinfo::SignedEncrypted).await;
    let away = world.leave().await;
    let stranger = SigningKey::generate(SignatureAlgorithm::Es256).unwrap();
    let foreign = stranger.sign("JWT", &world.person_claims()).unwrap();
    let sealed = world.sealed(foreign.reveal(), Some("JWT"));
    assert_eq!(end(&world, &away, Canned::jwt(&sealed)).await, OidcError::Userinfo(JwsError::UnknownKey));
    let elsewhere = DecryptionKey::generate().unwrap().public();
    let sealed = encrypt(world.signed(&world.person_claims()).as_bytes(), &elsewhere, Some("JWT")).unwrap();
    let unopened = OidcError::SealedUserinfo(JweError::Undecryptable);
    assert_eq!(end(&world, &away, Canned::jwt(sealed.reveal())).await, unopened);
}

#[tokio::test]
async fn plain_userinfo_is_still_about_the_person_of_the_id_token() {
    let world = World::start(Userinfo::Plain).await;
    let away = world.leave().await;
    for (body, expected) in [
        (json!({"sub": "somebody else", "bsn": BSN}).to_string(), OidcError::OtherPerson),
        (json!({"sub": "somebody"}).to_string(), OidcError::NoBsn),
        (json!([1]).to_string(), OidcError::UserinfoClaims),
        ("{\"sub\":\"somebody\",\"sub\":\"somebody\",\"bsn\":\"999911132\"}".to_owned(), OidcError::UserinfoClaims),
        (String::new(), OidcError::UserinfoClaims),
    ] {
        assert_eq!(end(&world, &away, Canned::json(&body)).await, expected, "{body}");
    }
    assert_eq!(end(&world, &away, Canned::error(401, "{}")).await, OidcError::Status { status: 401 });
}

#[tokio::test]
async fn the_level_may_stand_in_userinfo_under_a_name_of_its_own() {
    let world = World::of(|config, claims| {
        (config.userinfo, claims.level) = (Userinfo::Signed, "loa_authn".to_owned());
        claims.levels.insert("digid_hoog".to_owned(), AssuranceLevel::Hoog);
    })
    .await;
    let away = world.leave().await;
    assert_eq!(end(&world, &away, world.person(Userinfo::Signed)).await, OidcError::UnknownLevel);
    let mut claims = world.person_claims();
    claims["loa_authn"] = json!("digid_hoog");
    world.emulator.answer("/userinfo", Canned::jwt(&world.signed(&claims)));
    assert_eq!(world.come_back(&away).await.unwrap().level, AssuranceLevel::Hoog);
}
