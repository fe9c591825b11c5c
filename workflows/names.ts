/** Names by which clients, workers and the Web UI know what runs; plain text, so that a client need not load workflow code. */

export const jobWorkflowId = (jobId: string): string => `job/${jobId}`
export const executionWorkflowId = (jobId: string, execution: number): string => `job/${jobId}/${execution}`

/** Type of an update's failure when its validator said no. */
export const refused = 'Refused'
/** Type of an update's failure when the catalog could not be told of it, and never will be. */
export const unrecorded = 'Unrecorded'

/** Why a job that would run by itself does not, for the catalog: somebody ended its workflow on the server. */
export const stoppedFromOutside = 'its workflow was ended from outside: it runs again when somebody starts it'

/** The type of the failure that says that no such plan waits for an approval. */
export const notWaiting = 'NotWaiting'
