/** The execution begun last, as far as its steps have to know it. */
export interface CurrentExecution {
  n: number
  auditLevel: number
  tries: number
  maxRetry: number
  lazyContainers: boolean
  /** Unix milliseconds; null until then. */
  endedMs: number | null
}
