use super::{
    compare::{Gap, Mend, compare},
    files::Statement,
    inspect::{Column, Object},
};

fn column(name: &str, r#type: &str) -> Column {
    Column { name: name.to_owned(), r#type: r#type.to_owned(), ..Column::default() }
}

fn table(columns: Vec<Column>) -> Object {
    let settings = [("window".to_owned(), "10".to_owned())].into();
    Object { engine: "MergeTree ORDER BY a".to_owned(), settings, columns, ..Object::default() }
}

fn view(engine: &str, query: &str) -> Object {
    Object {
        engine: engine.to_owned(),
        query: query.to_owned(),
        target: "t_data".to_owned(),
        ..Object::default()
    }
}

fn gaps(create: &str, wanted: &Object, found: Option<&Object>) -> Vec<Gap> {
    let statement = Statement { file: "t", object: "t".to_owned(), sql: create.to_owned() };
    compare("db", &statement, wanted, found)
}

/// The statement that mends the only gap.
fn mended(create: &str, wanted: &Object, found: Option<&Object>) -> String {
    match gaps(create, wanted, found).as_slice() {
        [Gap { mend: Mend::Apply { sql, .. }, .. }] => sql.clone(),
        other => panic!("not one gap that apply mends: {other:?}"),
    }
}

/// The part of the only gap, which a person has to mend.
fn by_hand(wanted: &Object, found: &Object) -> String {
    match gaps("", wanted, Some(found)).as_slice() {
        [Gap { mend: Mend::ByHand(_), part, .. }] => part.clone(),
        other => panic!("not one gap for a person: {other:?}"),
    }
}

#[test]
fn the_same_is_no_gap() {
    let table = table(vec![column("a", "UUID")]);
    assert_eq!(gaps("", &table, Some(&table)), []);
}

#[test]
fn a_missing_object_is_created_by_its_file() {
    assert_eq!(mended("CREATE …", &table(Vec::new()), None), "CREATE …");
}

#[test]
fn a_missing_column_is_added_at_its_place() {
    let wanted =
        table(vec![column("a", "UUID"), Column { comment: "it's b".to_owned(), ..column("b", "Int32") }]);
    let found = table(vec![column("a", "UUID")]);
    let sql = mended("", &wanted, Some(&found));
    assert_eq!(sql, "ALTER TABLE db.t ADD COLUMN IF NOT EXISTS `b` Int32 COMMENT 'it\\'s b' AFTER `a`");
}

#[test]
fn a_codec_a_comment_and_a_setting_are_changed() {
    let coded = Column { codec: "CODEC(ZSTD(1))".to_owned(), ..column("a", "String") };
    let (plain, coded) = (table(vec![column("a", "String")]), table(vec![coded]));
    assert_eq!(mended("", &coded, Some(&plain)), "ALTER TABLE db.t MODIFY COLUMN `a` String CODEC(ZSTD(1))");
    assert_eq!(mended("", &plain, Some(&coded)), "ALTER TABLE db.t MODIFY COLUMN `a` REMOVE CODEC");
    let other = Object { settings: [("window".to_owned(), "5".to_owned())].into(), ..plain.clone() };
    assert_eq!(mended("", &plain, Some(&other)), "ALTER TABLE db.t MODIFY SETTING window = 10");
}

#[test]
fn another_type_an_extra_column_and_another_engine_are_for_a_person() {
    let wanted = table(vec![column("a", "UUID")]);
    assert_eq!(by_hand(&wanted, &table(vec![column("a", "String")])), "column a");
    assert_eq!(by_hand(&wanted, &table(vec![column("a", "UUID"), column("z", "String")])), "column z");
    let other = Object { engine: "MergeTree ORDER BY z".to_owned(), ..wanted.clone() };
    assert_eq!(by_hand(&wanted, &other), "engine");
}

#[test]
fn the_query_of_a_view_is_replaced() {
    let create = "CREATE VIEW IF NOT EXISTS db.t AS\nSELECT 1";
    let sql = mended(create, &view("View", "SELECT 1"), Some(&view("View", "SELECT 2")));
    assert_eq!(sql, "CREATE OR REPLACE VIEW db.t AS\nSELECT 1");
}

#[test]
fn the_query_of_a_materialised_view_is_modified_and_its_target_is_for_a_person() {
    let create = "CREATE MATERIALIZED VIEW IF NOT EXISTS db.t TO db.t_data AS\nSELECT 1";
    let wanted = view("MaterializedView", "SELECT 1");
    let found = view("MaterializedView", "SELECT 2");
    assert_eq!(mended(create, &wanted, Some(&found)), "ALTER TABLE db.t MODIFY QUERY SELECT 1");
    assert_eq!(by_hand(&wanted, &Object { target: "elsewhere".to_owned(), ..wanted.clone() }), "target");
}

#[test]
fn a_missing_index_is_added_and_another_one_is_left_to_a_person() {
    let indexed = |declared: &[(&str, &str)]| Object {
        indices: declared.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        ..table(Vec::new())
    };
    let wanted = indexed(&[("by_a", "a TYPE bloom_filter(0.001) GRANULARITY 4")]);
    assert_eq!(gaps("", &wanted, Some(&wanted)), []);
    assert_eq!(
        mended("", &wanted, Some(&indexed(&[]))),
        "ALTER TABLE db.t ADD INDEX IF NOT EXISTS by_a a TYPE bloom_filter(0.001) GRANULARITY 4"
    );
    assert_eq!(by_hand(&wanted, &indexed(&[("by_a", "a TYPE minmax GRANULARITY 4")])), "index by_a");
    assert_eq!(by_hand(&indexed(&[]), &wanted), "index by_a");
}
