//! JSON as this adapter writes it: members in the order they are named, absent and empty ones left out (FHIR JSON knows no
//! null members and no empty lists), numbers with the digits they came with.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;

/// A JSON value to be written.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Text(String),
    /// A number in the digits of the HIS: 5.60 does not become 5.6 (FHIR STU3 datatypes.html, decimal).
    Number(Box<RawValue>),
    Count(usize),
    List(Vec<Self>),
    Object(Vec<(&'static str, Self)>),
}

impl Node {
    /// An object with the members of another one after its own.
    pub(super) fn and(self, more: Self) -> Self {
        match (self, more) {
            (Self::Object(own), Self::Object(more)) => Self::Object(own.into_iter().chain(more).collect()),
            (own, _) => own,
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(digits) => digits.serialize(serializer),
            Self::Count(count) => count.serialize(serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, member) in members {
                    map.serialize_entry(name, member)?;
                }
                map.end()
            }
        }
    }
}

/// What can stand as a member; `None` is left out.
pub(super) trait Member {
    fn member(self) -> Option<Node>;
}

impl Member for Node {
    fn member(self) -> Option<Node> {
        Some(self)
    }
}

impl<M: Member> Member for Option<M> {
    fn member(self) -> Option<Node> {
        self.and_then(M::member)
    }
}

impl<'a, M> Member for &'a Option<M>
where
    &'a M: Member,
{
    fn member(self) -> Option<Node> {
        self.as_ref().and_then(Member::member)
    }
}

impl Member for String {
    fn member(self) -> Option<Node> {
        Some(Node::Text(self))
    }
}

impl Member for &String {
    fn member(self) -> Option<Node> {
        Some(Node::Text(self.clone()))
    }
}

impl Member for &str {
    fn member(self) -> Option<Node> {
        Some(Node::Text(self.to_owned()))
    }
}

impl Member for Vec<Node> {
    fn member(self) -> Option<Node> {
        (!self.is_empty()).then_some(Node::List(self))
    }
}

impl<const N: usize> Member for [Node; N] {
    fn member(self) -> Option<Node> {
        Vec::from(self).member()
    }
}

/// An object of these members.
pub(super) fn object_of(members: impl IntoIterator<Item = (&'static str, Option<Node>)>) -> Node {
    Node::Object(members.into_iter().filter_map(|(name, member)| Some((name, member?))).collect())
}

/// `object! { "name": value, ... }`, where a value is anything that is a [`Member`].
macro_rules! object {
    ($($name:literal: $value:expr),* $(,)?) => {
        $crate::his::rest::node::object_of([$(($name, $crate::his::rest::node::Member::member($value))),*])
    };
}
pub(super) use object;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_members_are_left_out_and_digits_stay() {
        let digits = RawValue::from_string("5.60".to_owned()).unwrap();
        let node = object! {
            "b": "x\"y", "a": Node::Number(digits), "none": None::<Node>, "empty": Vec::new(),
            "list": [Node::Count(1), object! {"deep": String::from("z")}],
        };
        assert_eq!(serde_json::to_string(&node).unwrap(), r#"{"b":"x\"y","a":5.60,"list":[1,{"deep":"z"}]}"#);
    }
}
