/** Under this the ledger remembers the last execution that a hard reset has it forget. */
export const forgottenUpTo = 'reset:hard'

/** Under this the ledger remembers the execution from which on owners and permissions are set again. */
export const permissionsAnew = 'reset:permissions'

/** SQL: that execution; 0 where nothing was reset. */
export const permissionsExecution = `(SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM memory WHERE key = '${permissionsAnew}')`

/** SQL: the last one that is forgotten; 0 where nothing was reset. */
export const forgottenExecution = `(SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM memory WHERE key = '${forgottenUpTo}')`
