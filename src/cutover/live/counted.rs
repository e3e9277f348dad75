//! A directory whose writes are counted while they are on their way.

use super::flight::Flight;
use crate::cutover::port::{Carrier, Change, Controller, Directory, ObjectState, Pin, Rights, Written};
use crate::directory::ObjectGuid;
use crate::error::Result;

/// The directory inside does everything.
pub struct Counted<D> {
    inner: D,
    flight: Flight,
}

impl<D: Directory> Counted<D> {
    pub fn new(inner: D, flight: Flight) -> Counted<D> {
        Counted { inner, flight }
    }
}

impl<D: Directory> Directory for Counted<D> {
    async fn pin(&self) -> Result<Pin> {
        self.inner.pin().await
    }
    async fn read(&self, guids: &[ObjectGuid]) -> Result<Vec<Option<ObjectState>>> {
        self.inner.read(guids).await
    }
    async fn find(&self, dn: &str) -> Result<Option<ObjectState>> {
        self.inner.find(dn).await
    }
    async fn carriers(&self, anchors: &[String]) -> Result<Vec<(String, Carrier)>> {
        self.inner.carriers(anchors).await
    }
    async fn controllers(&self) -> Result<Vec<Controller>> {
        self.inner.controllers().await
    }
    async fn stamps_on(&self, controller: &Controller, guids: &[ObjectGuid]) -> Result<Vec<Option<String>>> {
        self.inner.stamps_on(controller, guids).await
    }
    async fn rights(&self, guids: &[ObjectGuid]) -> Result<Vec<Rights>> {
        self.inner.rights(guids).await
    }
    async fn modify(&self, guid: ObjectGuid, changes: &[Change]) -> Written {
        let _in_flight = self.flight.begin();
        self.inner.modify(guid, changes).await
    }
    async fn rename(&self, guid: ObjectGuid, rdn: &str, parent: &str) -> Written {
        let _in_flight = self.flight.begin();
        self.inner.rename(guid, rdn, parent).await
    }
    async fn deleted(&self, guid: ObjectGuid) -> Result<Option<ObjectState>> {
        self.inner.deleted(guid).await
    }
    async fn reanimate(&self, guid: ObjectGuid, dn: &str) -> Written {
        let _in_flight = self.flight.begin();
        self.inner.reanimate(guid, dn).await
    }
    async fn create(&self, dn: &str, attributes: &[(String, Vec<Vec<u8>>)]) -> Written<ObjectGuid> {
        let _in_flight = self.flight.begin();
        self.inner.create(dn, attributes).await
    }
}
