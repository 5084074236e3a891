use super::*;

#[test]
fn entries_pass_through_a_batch_unchanged() {
    let lines = [
        r#"{"line":"a","timestamp":5,"labels":{"app":"x"},"fields":{"f":"1"},"metadata":{"m":"2"}}"#,
        r#"{"line":"b","timestamp":-1,"fields":{"g":""}}"#,
        r#"{"line":"","timestamp":0,"labels":{"app":"x"}}"#,
    ];
    let entries: Vec<Entry> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let batch = Entry::batch(&entries);
    assert_eq!((batch.len(), batch.labels.len(), batch.fields.len()), (3, 2, 2));
    let back: Vec<String> = Entry::all_of(&batch).iter().map(Entry::to_string).collect();
    assert_eq!(back, lines);
}

#[test]
fn an_unknown_key_is_no_entry() {
    let error = serde_json::from_str::<Entry>(r#"{"line":"a","label":{}}"#).unwrap_err();
    assert!(error.to_string().contains("unknown field `label`"), "{error}");
}
