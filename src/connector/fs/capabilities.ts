import type { Capabilities, CapabilityNote, Limit, NameRules } from '../capabilities.ts'
import { posixNames, windowsNames } from '../name_rules.ts'
import { posixRights } from './permissions.ts'
import type { FsSettings } from './settings.ts'

interface Abilities {
  byHandle: boolean
  /** Why there are no ACLs. */
  noAcls: string | undefined
  /** Why there are no extended attributes. */
  noProperties: string | undefined
  /** ACLs can't be read, but may be there. */
  aclsUnseen: boolean
  canChown: boolean
  statesBirths: boolean
  /** Who the place belongs to, so that what belongs to others is shared. */
  knowsWhose: boolean
  /** How exactly times are kept, in nanoseconds. */
  precisionNs: bigint
}

/** What this connection can do here, the settings' own limits laid over what the system allows. */
export function capabilitiesOf(
  settings: FsSettings,
  { byHandle, noAcls, noProperties, aclsUnseen, canChown, statesBirths, knowsWhose, precisionNs }: Abilities,
): { capabilities: Capabilities; notes: CapabilityNote[] } {
  const write = settings.readOnly ? 'read' : 'readwrite'
  const owners = canChown ? write : 'read'
  const base = settings.names === 'windows' ? onThisSystem(windowsNames) : { ...posixNames, escapes: true }
  const names: NameRules = settings.maxSegment
    ? { ...base, maxSegment: shorter(base.maxSegment, settings.maxSegment) }
    : base
  const capabilities: Capabilities = {
    tree: { model: 'path', emptyContainers: true, links: settings.symlinks === 'keep' },
    names,
    content: {
      ...(settings.maxBytes === undefined ? {} : { maxBytes: settings.maxBytes }),
      rangedRead: true,
      resumable: true,
      hash: false,
      sparse: true,
    },
    times: { modified: write, created: statesBirths ? 'read' : 'none', accessed: write, precisionNs, containers: true },
    owners: { owner: owners, group: owners },
    marks: { hidden: true, shared: knowsWhose },
    permissions: {
      mode: write,
      deny: false,
      breakInheritance: true,
      named: noAcls === undefined,
      rights: posixRights,
      ...(aclsUnseen ? { groupMayBeMask: true } : {}),
    },
    identity: { impersonation: false, directory: true },
    metadata: { user: noProperties === undefined ? write : 'none' },
  }
  const notes: CapabilityNote[] = []
  const note = (capability: string, why: string) => notes.push({ capability, why })
  if (!byHandle) {
    note('root confinement', 'paths are re-checked instead of walked by descriptor: this system has no /proc')
    note(
      'names',
      'a folder whose name is no UTF-8 is not worked in: its path is not text, and this system has no /proc',
    )
  }
  if (noAcls !== undefined) note('permissions.named', noAcls)
  if (aclsUnseen)
    note(
      'permissions',
      'ACLs may be there unseen, so where permissions are carried an owning group gets no more than everyone',
    )
  if (noProperties !== undefined) note('metadata.user', noProperties)
  if (!canChown) note('owners', 'only root may give files away; the owner is read, not set')
  if (settings.symlinks === 'follow')
    note('tree.links', 'symbolic links are followed inside the root, and none are made')
  if (settings.readOnly) note('write', 'the connection is read-only')
  return { capabilities, notes }
}

/** Windows counts UTF-16 units; the file systems of others take 255 bytes, whatever rules a name is to obey. */
function onThisSystem(rules: NameRules): NameRules {
  const { maxSegment } = posixNames
  return process.platform === 'win32' || !maxSegment ? rules : { ...rules, maxStoredSegment: maxSegment }
}

/** A setting takes away from what the names here may be, it adds nothing. Both are in the same unit. */
function shorter(base: Limit | undefined, asked: Limit): Limit {
  return base && base.n < asked.n ? base : asked
}
