//! What is refused, on the way in and on the way out.

use super::*;

fn defect_in(xml: &str) -> Defect {
    to_json(xml.as_bytes(), Stu3).expect_err(xml).defect
}

fn patient(inner: &str) -> String {
    format!("<Patient xmlns=\"http://hl7.org/fhir\">{inner}</Patient>")
}

#[test]
fn documents_that_could_fetch_or_grow_are_refused() {
    let root = "<Patient xmlns='http://hl7.org/fhir'/>";
    for (prolog, defect) in [
        ("<!DOCTYPE Patient>", Defect::Doctype),
        ("<!DOCTYPE Patient [<!ENTITY a 'b'>]>", Defect::Doctype),
        ("<!DOCTYPE Patient SYSTEM 'file:///etc/passwd'>", Defect::Doctype),
        ("<?xml version='1.0' encoding='ISO-8859-1'?>", Defect::Encoding),
        ("<?xml version='1.1'?>", Defect::Encoding),
        (" <?xml version='1.0'?>", Defect::Encoding),
        ("x", Defect::Text),
        ("<a/>", Defect::Namespace),
    ] {
        assert_eq!(defect_in(&format!("{prolog}{root}")), defect, "{prolog}");
    }
    assert_eq!(defect_in(&patient("<gender value='&xxe;'/>")), Defect::Entity);
    assert_eq!(defect_in(&patient("&xxe;")), Defect::Entity);
    assert_eq!(narrative("<h:div>&nbsp;</h:div>"), Err(Defect::Entity));
    let utf16: Vec<u8> = root.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(to_json(&[&b"\xFE\xFF"[..], &utf16].concat(), Stu3).unwrap_err(), Defect::Encoding.at(0));
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for xml in [
        "",
        "<",
        "<Patient",
        "<Patient xmlns='http://hl7.org/fhir'>",
        "<Patient xmlns='http://hl7.org/fhir'></Person>",
        "<Patient xmlns='http://hl7.org/fhir'/></Patient>",
        "<Patient xmlns='http://hl7.org/fhir'/><Patient xmlns='http://hl7.org/fhir'/>",
        "<Patient xmlns='http://hl7.org/fhir'><id value='a' value='b'/></Patient>",
        "<Patient xmlns='http://hl7.org/fhir'><id value=a/></Patient>",
        "<Patient xmlns='http://hl7.org/fhir'><id value='<'/></Patient>",
        "<Patient xmlns='http://hl7.org/fhir'><id value='&#0;'/></Patient>",
        "<Patient xmlns='http://hl7.org/fhir'><!-- a -- b --></Patient>",
    ] {
        let defect = defect_in(xml);
        assert!(matches!(defect, Defect::Malformed | Defect::NotOneResource), "{xml}: {defect}");
    }
    assert_eq!(defect_in(&patient("<id value='\u{1}'/>")), Defect::Character);
    assert_eq!(defect_in(&patient("<id value='&#1;'/>")), Defect::Character);
}

#[test]
fn what_is_not_fhir_is_refused() {
    for (inner, defect) in [
        ("<bsn value='1'/>", Defect::UnknownElement),
        ("<Id value='1'/>", Defect::UnknownElement),
        ("<id xmlns='' value='1'/>", Defect::Namespace),
        ("<id xmlns='http://hl7.org/fhir/2' value='1'/>", Defect::Namespace),
        ("<x:id value='1'/>", Defect::Namespace),
        ("<id value='1' other='2'/>", Defect::UnknownAttribute),
        ("<id url='1'/>", Defect::UnknownAttribute),
        ("<name value='1'/>", Defect::UnknownAttribute),
        ("<name url='1'/>", Defect::UnknownAttribute),
        ("<extension><url value='x'/></extension>", Defect::UnknownElement),
        ("<id value='1'/><id value='2'/>", Defect::Repeated),
        ("<name/><gender value='male'/><name/>", Defect::Repeated),
        ("<gender value='male'>text</gender>", Defect::Text),
        ("<gender value='male'><![CDATA[ ]]></gender>", Defect::Text),
        ("<gender value='male'><name/></gender>", Defect::UnknownElement),
        ("<active value='yes'/>", Defect::Value),
        ("<active value=' true'/>", Defect::Value),
        ("<multipleBirthInteger value='1.0'/>", Defect::Value),
        ("<multipleBirthInteger value='01'/>", Defect::Value),
        ("<contained/>", Defect::NotOneResource),
        ("<contained><Flag/><Flag/></contained>", Defect::NotOneResource),
        ("<contained><Quantity/></contained>", Defect::UnknownType),
        ("<contained><DomainResource/></contained>", Defect::UnknownType),
        ("<contained><Flag id='x'/></contained>", Defect::UnknownAttribute),
        ("<text><div>not XHTML</div></text>", Defect::UnknownElement),
        ("<text><p xmlns='http://www.w3.org/1999/xhtml'/></text>", Defect::UnknownElement),
        ("<div xmlns='http://www.w3.org/1999/xhtml'/>", Defect::UnknownElement),
    ] {
        assert_eq!(defect_in(&patient(inner)), defect, "{inner}");
    }
    assert_eq!(defect_in("<Zorgplan xmlns='http://hl7.org/fhir'/>"), Defect::UnknownType);
    assert_eq!(defect_in("<Patient/>"), Defect::Namespace);
    assert_eq!(defect_in("<div xmlns='http://www.w3.org/1999/xhtml'/>"), Defect::UnknownType);
    let quantity = |value: &str| {
        let xml = format!(
            "<Observation xmlns='http://hl7.org/fhir'><valueQuantity><value value='{value}'/></valueQuantity></Observation>"
        );
        to_json(xml.as_bytes(), Stu3).map_err(|fault| fault.defect).map(drop)
    };
    for value in ["+1", "1.", ".5", "01", "1,5", "NaN", "INF", "0x1", "", "1 ", "1e"] {
        assert_eq!(quantity(value), Err(Defect::Value), "{value}");
    }
    assert_eq!(quantity("-0.50"), Ok(()));
}

#[test]
fn a_narrative_holds_xhtml_and_nothing_else() {
    for (div, defect) in [
        ("<h:div><svg xmlns='http://www.w3.org/2000/svg'/></h:div>", Defect::Narrative),
        ("<h:div><h:b></h:div>", Defect::Malformed),
        ("<h:div><h:b xlink:href='x'/></h:div>", Defect::Narrative),
        ("<h:div><h:b title='&xxe;'/></h:div>", Defect::Entity),
        ("<h:div><!DOCTYPE x></h:div>", Defect::Doctype),
        ("<h:div/><h:div/>", Defect::Repeated),
    ] {
        assert_eq!(narrative(div), Err(defect), "{div}");
    }
    for div in [
        "",
        "x",
        "<p/>",
        "<div>",
        "<div></p>",
        "<div/><div/>",
        "<div/>x",
        "<div>&nbsp;</div>",
        "<!--a--><div/>",
        "<x:div/>",
    ] {
        let json = serde_json::json!({"resourceType": "Patient", "text": {"div": div}}).to_string();
        assert_eq!(to_xml(json.as_bytes(), Stu3).map_err(|fault| fault.defect), Err(Defect::Narrative), "{div}");
    }
}

#[test]
fn json_that_xml_cannot_say_is_refused() {
    for (json, defect) in [
        (r#"{"id":"1"}"#, Defect::NotOneResource),
        (r#"[]"#, Defect::NotOneResource),
        (r#"{"resourceType":"Zorgplan"}"#, Defect::UnknownType),
        (r#"{"resourceType":"Patient","bsn":"1"}"#, Defect::UnknownElement),
        (r#"{"resourceType":"Patient","_name":[{}]}"#, Defect::UnknownElement),
        (r#"{"resourceType":"Patient","name":[{"_id":{}}]}"#, Defect::UnknownElement),
        (r#"{"resourceType":"Patient","name":[{"resourceType":"HumanName"}]}"#, Defect::UnknownElement),
        (r#"{"resourceType":"Patient","_gender":{"value":"x"}}"#, Defect::UnknownElement),
        (r#"{"resourceType":"Patient","_gender":"x"}"#, Defect::Value),
        (r#"{"resourceType":"Patient","gender":["male"]}"#, Defect::Value),
        (r#"{"resourceType":"Patient","gender":null}"#, Defect::Value),
        (r#"{"resourceType":"Patient","active":"true"}"#, Defect::Value),
        (r#"{"resourceType":"Patient","multipleBirthInteger":1.5}"#, Defect::Value),
        (r#"{"resourceType":"Patient","multipleBirthInteger":"1"}"#, Defect::Value),
        (r#"{"resourceType":"Patient","name":{}}"#, Defect::Value),
        (r#"{"resourceType":"Patient","name":[null]}"#, Defect::Value),
        (r#"{"resourceType":"Patient","name":["x"]}"#, Defect::Value),
        (r#"{"resourceType":"Patient","name":[{"given":[null]}]}"#, Defect::Value),
        (r#"{"resourceType":"Patient","contained":["x"]}"#, Defect::NotOneResource),
        (r#"{"resourceType":"Patient","id":"\u0001"}"#, Defect::Character),
        (r#"{"resourceType":"Patient","id":"\ufffe"}"#, Defect::Character),
        (r#"{"resourceType":"Patient","id":"a","id":"b"}"#, Defect::NotJson),
        (r#"{"resourceType":"Patient""#, Defect::NotJson),
    ] {
        assert_eq!(to_xml(json.as_bytes(), Stu3).map_err(|fault| fault.defect), Err(defect), "{json}");
    }
}

#[test]
fn depth_has_a_limit() {
    let nested =
        |depth: usize| patient(&format!("{}{}", "<extension url='x'>".repeat(depth), "</extension>".repeat(depth)));
    // Each level is a list and an object; the resource is one more.
    assert!(to_json(nested(31).as_bytes(), Stu3).is_ok());
    assert_eq!(defect_in(&nested(32)), Defect::TooDeep);
    assert_eq!(defect_in(&nested(100_000)), Defect::TooDeep);
    let div = |depth: usize| {
        format!("<h:div>{}{}</h:div>", "<b xmlns='http://www.w3.org/1999/xhtml'>".repeat(depth), "</b>".repeat(depth))
    };
    assert!(narrative(&div(20)).is_ok());
    assert!(narrative(&div(100_000)).is_err());
    let json = format!("{{\"resourceType\":\"Patient\",\"extension\":{}", "[{\"extension\":".repeat(100_000));
    assert_eq!(to_xml(json.as_bytes(), Stu3).unwrap_err().defect, Defect::TooDeep);
}

#[test]
fn a_fault_says_where_and_not_what() {
    let fault = to_json(patient("<gender value='male'/><bsn value='999911132'/>").as_bytes(), Stu3).unwrap_err();
    assert_eq!(fault, Defect::UnknownElement.at(59));
    assert_eq!(fault.to_string(), "this type has no such element, at byte 59");
}
