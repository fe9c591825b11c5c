/** What has become of an item; in the words of the wire, `none` aside. */
export type ItemState = 'none' | 'success' | 'processed' | 'skipped' | 'retry' | 'remediation' | 'pending'
