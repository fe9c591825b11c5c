/** Under this the ledger remembers the last execution that a hard reset has it forget. */
export const forgottenUpTo = 'reset:hard'

/** SQL: that execution; 0 where nothing was reset. */
export const forgottenExecution = `(SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM memory WHERE key = '${forgottenUpTo}')`
