import { hostname } from 'node:os'
import type { JobFilter } from '../catalog/catalog.ts'
import type { JobStatus } from '../job/status.ts'
import { platformIds } from '../connector/registry.ts'
import { ifGiven, list, maybeFlag, oneOf, text, together, wordOf, type Query } from './query.ts'

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
const none: readonly JobStatus[] = []
const inactive = statuses.filter((status) => !active.includes(status))

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
  return together({
    statuses: () => statusesAsked(query),
    kind: () => oneOf(query, 'kind', ['transfer', 'folder_mapping', 'personal_drive', 'policy']),
    category: () => text(query, 'category'),
    sourcePlatform: () => oneOf(query, 'source_platform', platformIds()),
    destinationPlatform: () => oneOf(query, 'destination_platform', platformIds()),
    simulated: () => maybeFlag(query, 'simulation_mode'),
  })
}

function statusesAsked(query: Query): JobStatus[] | undefined {
  const asked = Object.values(
    together({
      words: () => wordsAsked(query),
      active: () => ifGiven(maybeFlag(query, 'active'), (asked) => (asked ? active : inactive)),
      // Whoever serves a home carries its jobs out, on this machine.
      node: () => ifGiven(text(query, 'node'), (node) => (isThisMachine(node) ? active : none)),
      // Jobs that make others, mapping jobs, do not start here: no job has a parent.
      parent: () => ifGiven(text(query, 'parent'), () => none),
    }),
  )
  return asked.length === 0 ? undefined : statuses.filter((status) => asked.every((some) => some.includes(status)))
}

function wordsAsked(query: Query): readonly JobStatus[] | undefined {
  const words = list(query, 'status').map((word) => wordOf(word, statusWords, 'status'))
  return words.length === 0 ? undefined : statusesMeant(words)
}

function isThisMachine(node: string): boolean {
  return node.toLowerCase() === hostname().toLowerCase()
}
