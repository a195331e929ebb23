//! `Serialize` for snapshots.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Decimal, Members, Object, Snapshot};

impl Serialize for Snapshot<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Whole(self).serialize(serializer)
    }
}

/// An object with all its members.
struct Whole<'a, O>(&'a O);

impl<O: Object> Serialize for Whole<'_, O> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = Map { map: serializer.serialize_map(None)?, result: Ok(()) };
        self.0.write_members(&mut map);
        map.result?;
        map.map.end()
    }
}

impl Serialize for Decimal {
    #[expect(
        clippy::float_arithmetic,
        clippy::cast_precision_loss,
        reason = "serde knows no decimals; both are exact below 2^53"
    )]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.units as f64 / 10_u64.saturating_pow(self.places.into()) as f64)
    }
}

/// Hands members to serde, up to the first error.
struct Map<M: SerializeMap> {
    map: M,
    result: Result<(), M::Error>,
}

impl<M: SerializeMap> Map<M> {
    fn entry(&mut self, name: &str, value: &impl Serialize) {
        if self.result.is_ok() {
            self.result = self.map.serialize_entry(name, value);
        }
    }
}

impl<M: SerializeMap> Members for Map<M> {
    fn object(&mut self, name: &'static str, value: Option<&impl Object>) {
        self.entry(name, &value.map(Whole));
    }

    fn text(&mut self, name: &'static str, value: Option<&str>) {
        self.entry(name, &value);
    }

    fn number(&mut self, name: &'static str, value: Option<u64>) {
        self.entry(name, &value);
    }

    fn decimal(&mut self, name: &'static str, value: Option<Decimal>) {
        self.entry(name, &value);
    }

    fn flag(&mut self, name: &'static str, value: bool) {
        self.entry(name, &value);
    }
}
