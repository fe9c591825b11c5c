import type { z } from 'zod'
import { defaults } from './defaults.ts'
import type { Problem } from './problem.ts'
import { read, type ReadOptions } from './read.ts'
import { schedule } from './schedule.ts'
import { stopPolicySchema } from './stop_policy.ts'
import { connection } from './endpoint.ts'
import {
  accountMapInJob,
  accountMapSchema,
  groupMapInJob,
  groupMapSchema,
  type MapDocument,
  type MapType,
} from './maps.ts'
import { transfer, transferNames } from './transfer.ts'
import {
  anyLine,
  anything,
  anyText,
  block,
  choice,
  conflict,
  flag,
  optional,
  orShort,
  whole,
  type Leaf,
} from './wire.ts'

const category = orShort(
  block({
    id: optional(whole(-1), 'A category there is; -1 is the default one.'),
    name: optional(anyText(255), 'A category by name; made when there is none.'),
    ...readOnly('type', 'links'),
  }),
  { type: 'string' },
  (given) => (typeof given === 'string' ? { name: given } : given),
)

const retention = block({
  duration: optional(
    block({ type: optional(anyText(64), 'Unit.'), count: optional(whole(0), 'How many.') }),
    'How long the audit log is kept.',
  ),
  purge_empty: optional(flag(), 'Remove executions without entries.'),
})

const jobKeys = {
  $schema: optional(anyText(), 'Where editors find the schema.'),
  name: optional(anyLine(255), 'Name of the job; made of its two connections when left blank.'),
  description: optional(anyText(), 'For people.'),
  kind: optional(
    choice(['transfer', 'folder_mapping', 'personal_drive', 'policy']),
    'What kind of job.',
    defaults.kind,
  ),
  transfer,
  schedule: optional(schedule, 'When it runs.', { mode: defaults.schedule_mode }),
  stop_policy: optional(stopPolicySchema, 'When it is complete for good; whichever limit is met first.'),
  category: optional(category, 'Group for lists and reports.'),
  status: optional(choice(['start', 'paused', 'idle']), 'start: run at once; paused: an auto job waits to be resumed.'),
  priority: optional(whole(-1_000_000, 1_000_000), 'Which of several waiting jobs goes first.', 0),
  disabled: optional(flag(), 'A disabled job does not start.', false),
  retention: optional(retention, 'How long the audit log is kept.'),
  notifications: optional(anything(), 'Who is told.'),
  scheduler: optional(anything(), 'Which scheduler runs it.'),
  convention: optional(anything(), 'Of mapping jobs.'),
  ...readOnly(
    'id',
    'type',
    'discriminator',
    'parent_id',
    'health',
    'status_reason',
    'execute_on',
    'execution',
    'previous_execution',
    'created_on',
    'created_by',
    'modified_on',
    'modified_by',
    'links',
  ),
}

/** The job document: the body of `POST /v1/jobs`. */
export const jobSchema = block(jobKeys, {
  elsewhere: () => Object.fromEntries(transferNames.map((key) => [key, `transfer.${key}`])),
}).transform((job, ctx) => {
  if (job.status === 'paused' && job.schedule?.mode !== 'auto')
    conflict(
      ctx,
      ['status'],
      '"paused" is for jobs with schedule.mode auto; a job that runs when triggered takes start',
    )
  return job
})

/**
 * A job document as read: names, values and shapes are those of the wire, lenient forms and aliases resolved, unknown keys
 * kept. A key that was left out is absent; what then holds is in `settingsOf`. JSON, and readable again by {@link readJob}.
 */
export type JobDocument = z.output<typeof jobSchema>

type ReadJob = { ok: true; job: JobDocument; warnings: Problem[] } | { ok: false; problems: Problem[] }

/**
 * Reads a job document. Never throws, whatever is given.
 *
 * @returns the job with warnings for what has no effect, or every problem there is
 */
export function readJob(input: unknown, options: ReadOptions = {}): ReadJob {
  const result = read(jobSchema, input, options)
  if (!result.ok) return result
  const { value: job, warnings } = result
  if (job.transfer.transfer_type === undefined)
    warnings.push({
      path: 'transfer.transfer_type',
      message: `is missing and so means ${defaults.transfer_type}, which also writes to the source; say it, or copy`,
    })
  return { ok: true, job, warnings }
}

/** Whether it says that nothing is to be written; one that can't be read says nothing. */
export function asksForSimulation(read: ReadJob): boolean {
  return read.ok && read.job.transfer.simulation_mode === true
}

/** Everything a job refers to that has to exist, or is to be stored beside it. */
export interface References {
  source?: z.output<typeof connection> | undefined
  destination?: z.output<typeof connection> | undefined
  account_map?: z.output<typeof accountMapInJob> | undefined
  group_map?: z.output<typeof groupMapInJob> | undefined
  category?: z.output<typeof category> | undefined
}

/** Those of a document, each as far as it can be read on its own, whatever is wrong elsewhere. Never throws. */
export function readReferences(input: Record<string, unknown>): References {
  const part = <T>(schema: z.ZodType<T>, ...path: string[]): T | undefined => {
    const value = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | null | undefined)?.[key], input)
    const result = value === undefined ? undefined : read(schema, value)
    return result?.ok === true ? result.value : undefined
  }
  return {
    source: part(connection, 'transfer', 'source', 'connection'),
    destination: part(connection, 'transfer', 'destination', 'connection'),
    account_map: part(accountMapInJob, 'transfer', 'account_map'),
    group_map: part(groupMapInJob, 'transfer', 'group_map'),
    category: part(category, 'category'),
  }
}

type ReadMap = { ok: true; map: MapDocument; warnings: Problem[] } | { ok: false; problems: Problem[] }

/** Reads an account or group map on its own, as `POST /v1/account_maps` takes it. Never throws. */
export function readMap(type: MapType, input: unknown, options: ReadOptions = {}): ReadMap {
  const schema: z.ZodType<MapDocument> = type === 'account_map' ? accountMapSchema : groupMapSchema
  const result = read(schema, input, options)
  return result.ok ? { ok: true, map: result.value, warnings: result.warnings } : result
}

/** Keys of what is read back: accepted, so that it can be posted again, and ignored. */
function readOnly<K extends string>(...keys: K[]): Record<K, z.ZodOptional<Leaf<unknown>>> {
  const entries = keys.map((key) => [key, optional(anything(), 'Read-only: accepted and ignored.')])
  return Object.fromEntries(entries) as Record<K, z.ZodOptional<Leaf<unknown>>>
}
