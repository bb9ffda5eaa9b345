//! Classes whose attribute values live in a place of their own: no structs, and instrumentation of the kit's.

use std::sync::Arc;

use aludel::orm::{InstanceState, StateGetter};
use aludel::{
    Auto, ClassManager, Instance, InstanceDict, InstrumentationManager, Registry, Result,
};

/// What the objects are made of: the values in a vault, and the state beside it.
#[derive(Clone, Default)]
pub struct Vaulted {
    vault: InstanceDict,
    state: Option<InstanceState>,
}

/// Keeps the mapped values of an instance in its vault.
pub struct VaultManager;

impl InstrumentationManager for VaultManager {
    fn get_instance_dict<'i>(
        &self,
        _: &ClassManager,
        instance: &'i dyn Instance,
    ) -> Option<&'i InstanceDict> {
        instance.downcast_ref::<Vaulted>().map(|it| &it.vault)
    }

    fn get_instance_dict_mut<'i>(
        &self,
        _: &ClassManager,
        instance: &'i mut dyn Instance,
    ) -> Option<&'i mut InstanceDict> {
        instance.downcast_mut::<Vaulted>().map(|it| &mut it.vault)
    }

    fn install_state(&self, _: &ClassManager, instance: &mut dyn Instance, state: InstanceState) {
        if let Some(it) = instance.downcast_mut::<Vaulted>() {
            it.state = Some(state);
        }
    }

    fn remove_state(&self, _: &ClassManager, instance: &mut dyn Instance) {
        if let Some(it) = instance.downcast_mut::<Vaulted>() {
            it.state = None;
        }
    }

    fn state_getter(&self, _: &'static str) -> StateGetter {
        Arc::new(|_, instance| instance.downcast_ref::<Vaulted>()?.state)
    }
}

fn vault_manager(_: &'static str) -> VaultManager {
    VaultManager
}

/// Gadget, with a one-to-many to Part.
pub(super) fn describe(registry: &Registry) -> Result<()> {
    registry
        .describe("Gadget")
        .table("gadgets")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<Option<String>>("name", |c| c.not_null())
        .many("parts", "Part", |r| {
            r.back_populates("gadget").order_by(["id"]);
        })
        .instances::<Vaulted>()
        .instrumentation(vault_manager)
        .finish()?;
    registry
        .describe("Part")
        .table("parts")
        .column::<Auto<i64>>("id", |c| c.primary_key())
        .column::<Option<String>>("name", |c| c)
        .column::<Option<i64>>("gadget_id", |c| c.references("gadgets.id"))
        .one("gadget", "Gadget", |r| {
            r.back_populates("parts");
        })
        .instances::<Vaulted>()
        .instrumentation(vault_manager)
        .finish()?;
    Ok(())
}
