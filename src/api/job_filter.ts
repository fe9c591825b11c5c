import { hostname } from 'node:os'
import type { JobFilter } from '../catalog/catalog.ts'
import type { JobStatus } from '../../workflows/messages.ts'
import { flag, list, oneOf, text, wordOf, type Query } from './paging.ts'

const statuses = [
  'idle',
  'start',
  'running',
  'paused',
  'cancelling',
  'complete',
  'failed',
  'failed-to-start',
  'success',
  'warn',
] as const satisfies readonly JobStatus[]

/** What each word that asks for a status means (reference: jobs-api 3.3): one of ours, a group, or what no job here ever is. */
const meant: Readonly<Record<string, readonly JobStatus[]>> = {
  ...Object.fromEntries(statuses.map((status) => [status, [status]])),
  'not-complete': statuses.filter((status) => status !== 'complete'),
  cancel: ['cancelling'],
  resume: [],
  'awaiting-user': [],
  deleted: [],
}

export const statusWords = Object.keys(meant)

/** Every status that one of these words means. */
export function statusesMeant(words: readonly string[]): JobStatus[] {
  return statuses.filter((status) => words.some((word) => meant[word]?.includes(status)))
}

const active: readonly JobStatus[] = ['start', 'running', 'cancelling']

/** Parameters of {@link jobFilter}. */
export const jobFilters = [
  'status',
  'kind',
  'category',
  'active',
  'node',
  'parent',
  'source_platform',
  'destination_platform',
  'simulation_mode',
]

/** Which jobs a list shows (reference: jobs-api 3.1). */
export function jobFilter(query: Query): JobFilter {
  const kind = oneOf(query, 'kind', ['transfer', 'folder_mapping', 'personal_drive', 'policy'] as const)
  const category = text(query, 'category')
  const sourcePlatform = text(query, 'source_platform')
  const destinationPlatform = text(query, 'destination_platform')
  const simulated = query.simulation_mode === undefined ? undefined : flag(query, 'simulation_mode')
  const statuses = statusesAsked(query)
  return {
    ...(statuses === undefined ? {} : { statuses }),
    ...(kind === undefined ? {} : { kind }),
    ...(category === undefined ? {} : { category }),
    ...(sourcePlatform === undefined ? {} : { sourcePlatform }),
    ...(destinationPlatform === undefined ? {} : { destinationPlatform }),
    ...(simulated === undefined ? {} : { simulated }),
  }
}

function statusesAsked(query: Query): JobStatus[] | undefined {
  const words = list(query, 'status').map((word) => wordOf(word, statusWords, 'status'))
  const asked: (readonly JobStatus[])[] = words.length === 0 ? [] : [statusesMeant(words)]
  if (query.active !== undefined)
    asked.push(flag(query, 'active') ? active : statuses.filter((status) => !active.includes(status)))
  // Whoever serves a home carries its jobs out, on this machine.
  const node = text(query, 'node')
  if (node !== undefined) asked.push(node.toLowerCase() === hostname().toLowerCase() ? active : [])
  // Jobs that make others, mapping jobs, do not start here: no job has a parent.
  if (text(query, 'parent') !== undefined) asked.push([])
  return asked.length === 0 ? undefined : statuses.filter((status) => asked.every((some) => some.includes(status)))
}
