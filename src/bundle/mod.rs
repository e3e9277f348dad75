//! An Inventory on disk.
