/** What a job's `transfer` block asks for, with defaults filled in and lenient wire forms resolved. Plain data. */

export type TransferType = 'copy' | 'sync' | 'publish' | 'move' | 'migrate' | 'taxonomy'
export type AuditLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'none'
export type ConflictResolution = 'copy' | 'latest' | 'source' | 'destination' | 'failure'
export type DeletePropagation = 'mirror' | 'ignore_source' | 'ignore_destination' | 'ignore_both'

export interface Settings {
  transferType: TransferType
  auditLevel: AuditLevel
  batchMode: 'none' | 'initial' | 'always'
  conflictResolution: ConflictResolution
  deletePropagation: DeletePropagation
  failurePolicy: 'continue' | 'halt'
  largeItem: 'fail' | 'skip'
  lockPropagation: 'ignore' | 'mirror_lock' | 'mirror_owner'
  /** Left out: as many as the destination takes. */
  maxItemsPerContainer?: number
  /** `performance.parallel_writes.requested`: writes in flight for the job, over all lanes; when left out, by platform. */
  parallelWrites: number | undefined
  /** `performance.upload` and `performance.download`, where they are limited. */
  bandwidth: { upload?: Bandwidth; download?: Bandwidth }
  permissions: { policy: 'none' | 'add' | 'diff'; links: boolean; failures: 'exceptions' | 'deny' | 'all' | 'none' }
  preserveOwners: boolean
  preserveDestinationRootOwner: boolean
  timestamps: boolean
  emptyContainers: 'create' | 'skip'
  duplicateNames: 'rename' | 'warn'
  itemOverwrite: 'overwrite' | 'skip' | 'fail'
  restrictedContent: 'convert' | 'fail' | 'warn' | 'skip'
  segmentTransform: boolean
  encodeInvalidCharacters: boolean
  segmentTruncate: boolean
  versioning: { preserve: 'native' | 'none'; select: 'all' | 'latest' }
  filter: { source: FilterSetting[]; destination: FilterSetting[] }
  simulationMode: boolean
  /** Ours: survive a power cut (`power`) or only the death of processes (`process`). */
  durability: 'process' | 'power'
}

/** Bytes a second; 0: no limit. */
export interface Bandwidth {
  bytesPerSecond: number
  /** Other limits at certain times. */
  windows: {
    bytesPerSecond: number
    /** Of the week it begins on, Sunday is 0. */
    days: number[]
    /** Since midnight, UTC. */
    fromMs: number
    /** Not given: until another begins. */
    toMs?: number
  }[]
}

export interface FilterSetting {
  action: 'include' | 'exclude'
  rules: FilterRule[]
}

export type DateTarget = 'created_on' | 'modified_on' | 'accessed_on'

/** The canonical form of each rule type; the wire's aliases (`shared`, `filter_shared`) are resolved when the document is read. */
export type FilterRule =
  | { type: 'filter_shared' }
  | { type: 'filter_hidden' }
  | { type: 'filter_pattern'; text: string; targets: readonly ('container' | 'item')[] }
  | { type: 'filter_extension'; extensions: readonly string[] }
  | { type: 'filter_group'; groups: readonly string[] }
  | { type: 'filter_size'; minBytes?: bigint; maxBytes?: bigint }
  | { type: 'filter_date'; targets: readonly DateTarget[]; range: DateRange }
  | { type: 'filter_path'; paths: readonly string[] }
  | { type: 'filter_metadata'; filter?: unknown; text?: string }
  | { type: 'filter_rule'; action: 'include' | 'exclude'; rules: FilterRule[] }

export type DateRange =
  | { type: 'day' | 'week' | 'month' | 'year'; value: number }
  | { type: 'range'; fromSeconds?: number; toSeconds?: number }
