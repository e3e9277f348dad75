//! The domain controller and the tenant together: what an administrator runs on the first evening.

use super::directory::{Template, start};
use super::tenant::{self, Tenant};
use super::{Run, export, world};
use serde_json::{Value, json};

#[test]
fn a_forest_and_a_tenant_read_live_are_judged_as_from_files() {
    let Some(controller) = start(Template::World) else { return };
    let table = world::World::v2();
    let mut run = Run::new("");
    let exported = run.dir.path().join("exported");
    export(&controller, &exported);
    world::write_tenant(&table, &world::given(&controller), &exported);
    for name in ["servicePrincipal", "jobs", "appRoleAssignedTo"] {
        let path = exported.join(format!("cloudsync/{name}.json"));
        std::fs::write(path, json!({ "value": [] }).to_string()).unwrap();
    }
    let server = tenant::server::start(Tenant::load(&exported));
    let entra = format!(
        "[entra]\ntenant_id = \"{}\"\nauth = \"token\"\ngraph_url = \"{1}\"\nlogin_url = \"{1}\"\nca_file = {2}\n",
        world::id("tenant"),
        server.url,
        json!(server.ca_file.to_string_lossy())
    );
    std::fs::write(run.dir.path().join("groupshift.toml"), format!("{}\n{entra}", controller.config(world::READER)))
        .unwrap();
    run.variables.push(("GROUPSHIFT_GRAPH_TOKEN", "opaque-token".to_owned()));

    let report: Value = serde_json::from_str(&run.go(&["preflight", "--format", "json"]).out).unwrap();
    let gate = |id: &str| report["gates"].as_array().unwrap().iter().find(|g| g["id"] == id).unwrap()["status"].clone();
    assert_eq!((gate("E1"), gate("E3"), gate("E4")), (json!("pass"), json!("pass"), json!("pass")), "{report}");
    let check = |id: &str| report["checks"].as_array().unwrap().iter().find(|c| c["id"] == id).unwrap().clone();
    assert_eq!(check("ad.container")["evidence"]["from"], "named by Entra");

    run.ok(&["collect", "--out", "live"]);
    run.ok(&["collect", "--offline", "exported", "--out", "files"]);
    for bundle in ["live", "files"] {
        run.ok(&["assess", bundle, "--out", &format!("a-{bundle}")]);
        run.ok(&["diff", bundle, "--out", &format!("d-{bundle}")]);
    }
    let (live, files) = (run.json("a-live/assessment.json"), run.json("a-files/assessment.json"));
    assert_eq!(live["groups"].as_array().unwrap().len(), files["groups"].as_array().unwrap().len());
    for (live, files) in live["groups"].as_array().unwrap().iter().zip(files["groups"].as_array().unwrap()) {
        // Of groups that do not move by this path Graph is asked less, and of a deleted one it lists no members.
        let found = |group: &Value| -> Vec<Value> {
            let findings = group["findings"].as_array().unwrap().iter().filter(|f| f["status"] == "found");
            findings.map(in_order).collect()
        };
        match files["verdict"] == "exclude" {
            true => assert_eq!((&live["verdict"], found(live)), (&files["verdict"], found(files))),
            false => assert_eq!(in_order(live), in_order(files)),
        }
    }
    for count in ["groups", "migrate", "fix", "exclude", "review"] {
        assert_eq!(live["summary"][count], files["summary"][count], "{count}");
    }
    // The same prediction of what becomes of each group, too.
    let actions = |name: &str| -> Vec<(Value, Value)> {
        let report = run.json(name);
        report["groups"].as_array().unwrap().iter().map(|g| (g["objectId"].clone(), g["action"].clone())).collect()
    };
    assert_eq!(actions("d-live/diff.json"), actions("d-files/diff.json"));
    run.ok(&["collect", "--since", "live", "--out", "again"]);
    let whole = |bundle: &str| -> Vec<(String, String)> {
        run.data(bundle).into_iter().filter(|(name, _)| !name.starts_with("entra-delta")).collect()
    };
    assert_eq!(whole("again"), whole("live"));
}

/// Names in lists stand in the order in which a reading met them; which ones they are is what counts.
fn in_order(value: &Value) -> Value {
    match value {
        Value::Array(list) => {
            let mut list: Vec<Value> = list.iter().map(in_order).collect();
            list.sort_by_key(Value::to_string);
            Value::Array(list)
        }
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), in_order(v))).collect()),
        other => other.clone(),
    }
}
