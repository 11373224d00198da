//! Problems.

use super::words::{Member, list, named, object, text, uuid, word};
use crate::error::Code;
use serde_json::json;

pub(super) fn all() -> Vec<Member> {
    let fault = vec![
        ("pointer", text("JSON pointer (RFC 6901) into the input; empty for the whole of it.")),
        ("detail", text("What is wrong there.")),
    ];
    let members = vec![
        ("type", json!({ "type": "string", "format": "uri", "description": "`urn:dayfly:problem:` and the code." })),
        ("title", text("The code in words.")),
        ("status", json!({ "type": "integer", "minimum": 400, "maximum": 599, "description": "The HTTP status." })),
        ("detail", text("What is wrong with this request, and what to do, for people.")),
        ("code", word("What is wrong, for programs.", Code::ALL.map(Code::as_str))),
        ("request_id", text("As in the header `X-Request-Id`; the server's log has it.")),
        ("errors", list("Every fault of an input, each with its place.", named("Fault"))),
    ];
    vec![
        ("Fault", object("One fault.", fault, Vec::new())),
        ("Problem", object("An error (RFC 9457).", members, vec![("job", uuid("The job it is about."))])),
    ]
}
