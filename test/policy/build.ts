import type { Capabilities, NameRules } from '../../src/connector/capabilities.ts'
import type { Facts, Item, Principal } from '../../src/connector/item.ts'
import { posixNames as localNames } from '../../src/connector/name_rules.ts'
import type { Settings } from '../../src/job/settings.ts'
import { settingsOf } from '../../src/job/settings_of.ts'
import type { Counterpart, Decision, Tracked } from '../../src/policy/decision.ts'
import { compilePlanner, type Triple } from '../../src/policy/plan.ts'
import { aJob } from '../job/a_job.ts'

/** Of a platform that escapes nothing, and has no names of its own. */
export const posixNames: NameRules = { ...localNames, reserved: [], maxSegment: { n: 255, unit: 'bytes' } }

export const windowsNames: NameRules = {
  ...posixNames,
  unicode: 'nfc',
  caseSensitive: false,
  invalid: '<>:"/\\|?*\0',
  leading: ' ',
  trailing: ' .',
  controls: true,
  reserved: ['CON', 'CONIN$', 'CONOUT$', 'PRN', 'AUX', 'NUL', 'COM1', 'LPT1'],
  reservedStems: true,
  maxSegment: { n: 255, unit: 'utf16' },
}

const settings = settingsOf(aJob())

/** Those of a copy that asks for nothing, with these changes. */
export function someSettings(change: Partial<Settings> = {}): Settings {
  return { ...settings, ...change }
}

export function someCapabilities(change: Partial<Capabilities> = {}): Capabilities {
  return {
    tree: { model: 'path', emptyContainers: true, links: true },
    names: posixNames,
    content: { rangedRead: true, resumable: true, hash: false, sparse: true },
    times: { modified: 'readwrite', created: 'none', accessed: 'readwrite', precisionNs: 1n, containers: true },
    owners: { owner: 'readwrite', group: 'readwrite' },
    marks: { hidden: true, shared: true },
    permissions: { mode: 'readwrite', deny: false, breakInheritance: true, named: true, rights: 1 | 2 | 64 | 128 },
    identity: { impersonation: false, directory: true },
    metadata: { user: 'none' },
    ...change,
  }
}

export const second = 1_000_000_000n

export function aFile(change: Partial<Item> = {}): Item {
  return {
    id: '/report.txt',
    name: 'report.txt',
    kind: 'item',
    sizeBytes: 100n,
    modifiedNs: 1_000n * second,
    changedNs: 1_000n * second,
    facets: 'mode 644',
    ...change,
  }
}

export function aFolder(change: Partial<Item> = {}): Item {
  return aFile({ id: '/docs', name: 'docs', kind: 'container', sizeBytes: 0n, ...change })
}

/** The same file as it stands at the destination after our write. */
export function copied(source: Item, change: Partial<Counterpart> = {}): Counterpart {
  const { name, kind, sizeBytes, modifiedNs, facets } = source
  return {
    name,
    kind,
    sizeBytes,
    changedNs: 5_000n * second,
    ...(modifiedNs === undefined ? {} : { modifiedNs }),
    ...(facets === undefined ? {} : { facets }),
    ...change,
  }
}

export function trackedAs(source: Facts, destination?: Facts, change: Partial<Tracked> = {}): Tracked {
  return { source, settled: true, hash: 'h1', ...(destination ? { destination } : {}), ...change }
}

interface Situation extends Partial<Omit<Triple, 'source'>> {
  source?: Item
  settings?: Partial<Settings>
  from?: Partial<Capabilities>
  to?: Partial<Capabilities>
}

/** What the planner says; whatever is not given is a plain file, new, between two POSIX places. */
export function decided({ settings, from, to, ...triple }: Situation): Decision {
  const planner = compilePlanner({
    settings: someSettings(settings),
    source: someCapabilities(from),
    destination: someCapabilities(to),
    clock: { toleranceNs: 2n * second },
  })
  const source = triple.source ?? aFile()
  return planner.plan({
    path: `/${source.name}`,
    named: { name: source.name },
    counterpart: null,
    tracked: null,
    taken: () => false,
    ...triple,
    source,
  })
}

export function somebody(change: Partial<Principal> = {}): Principal {
  return { type: 'account', directory: 'passwd:here', id: '1000', username: 'alice', ...change }
}
