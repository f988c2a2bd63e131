//! Every key of `hours.yaml`, a row each: what the reader takes, and what `strowger schema hours` tells editors of it.

use yaml::{Kind, form, key};

use super::{MAX_LINES, MAX_SWITCHES};

form! {
    pub(crate) FILE, "`hours.yaml`", one of [],
    key("switches", &Kind::Map(NAME, &Kind::Text, MAX_SWITCHES), "Emergency switches, each with what it means.", "{ evacuation: The building is empty }").otherwise("none"),
    key("holidays", &Kind::Map(NAME, HOLIDAYS, MAX_LINES), "Lists of holidays that calendars share.", "{ germany: { 12-25: Christmas Day } }").otherwise("none"),
    key("calendars", &Kind::Map(NAME, &Kind::Form(&CALENDAR), MAX_LINES), "The calendars by their names.", "{ office: { zone: Europe/Berlin, week: { monday-friday: 09:00-17:00 } } }").needed(),
}

form! {
    pub(super) CALENDAR, "a calendar", one of [],
    key("zone", &Kind::Unlike("^[A-Za-z]"), "The time zone by its IANA name; summer time comes with it.", "Europe/Berlin").needed(),
    key("week", &Kind::Map(DAYS, &Kind::Any(&[&Kind::Word(&["closed"]), SPANS]), 7), "Days, or ranges and lists of them, with hours, a list of them, or `closed`.", "{ monday-thursday: 09:00-18:00, friday: [09:00-12:00, 13:00-15:00], \"saturday, sunday\": closed }").needed(),
    key("breaks", &Kind::Map(DAYS, SPANS, 7), "The same, within those hours.", "{ monday-friday: 12:00-12:30 }").otherwise("none"),
    key("holidays", &Kind::Any(&[HOLIDAYS_OR_NAME, &Kind::List(HOLIDAYS_OR_NAME, MAX_LINES)]), "Dates with names, the name of a list, or a list of both; of two for a date the first names it.", "[germany, { 4th thursday of november: Thanksgiving }]").otherwise("none"),
    key("exceptions", &Kind::Map(".", &Kind::Any(&[&Kind::Word(&["closed"]), SPANS, &Kind::Form(&EXCEPTION)]), MAX_LINES), "Dates or ranges with their year, and what they are in place of the week.", "{ 2026-12-24: { open: 09:00-12:00, name: Christmas Eve }, 2026-12-31: 09:00-12:00 }").otherwise("none"),
    key("emergency", &Kind::Any(&[&Kind::Like(NAME), &Kind::List(&Kind::Like(NAME), MAX_SWITCHES)]), "The switch that closes it at once, or a list of switches.", "evacuation").otherwise("none"),
    key("note", &Kind::Text, "For people; nothing reads it.", "Also of the branch in Bonn"),
}

form! {
    pub(super) EXCEPTION, "an exception", one of ["closed", "open"],
    key("closed", &Kind::Text, "It is closed, for this reason.", "Summer holidays").without(&["break", "name"]),
    key("open", SPANS, "The hours of that day.", "09:00-12:00"),
    key("break", SPANS, "Its breaks, within those hours.", "10:00-10:15").otherwise("none"),
    key("name", &Kind::Text, "What the day is called.", "Christmas Eve").otherwise("it has no name"),
}

const NAME: &str = "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$";
/// Days, ranges of them, and several of both.
const DAYS: &str = "^[a-z]+day *(- *[a-z]+day)?( *, *[a-z]+day *(- *[a-z]+day)?)*$";
const SPAN: &Kind = &Kind::Unlike("^[0-9]{2}:[0-9]{2} *- *[0-9]{2}:[0-9]{2}$");
static SPANS: &Kind = &Kind::Named("hours", &Kind::Any(&[SPAN, &Kind::List(SPAN, super::days::MAX_SPANS)]));
static HOLIDAYS: &Kind = &Kind::Named("holidays", &Kind::Map(".", &Kind::Text, MAX_LINES));
static HOLIDAYS_OR_NAME: &Kind = &Kind::Any(&[&Kind::Like(NAME), HOLIDAYS]);
