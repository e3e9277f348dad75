//! From what is to what will be: the difference that Cloud Sync makes to each group, and who gains or loses access by
//! it. Pure functions of an Inventory and its forecast.

pub mod access;
pub mod difference;
