//! C28–C31 and C24 with a Cloud Sync job.
