import type { Capabilities, CapabilityNote } from '../capabilities.ts'
import { posixRights } from '../fs/permissions.ts'
import { posixNames } from '../name_rules.ts'
import type { Accounts } from './accounts.ts'
import { timeRange } from './attributes.ts'
import type { Channel } from './channel.ts'

/** What this server lets this account do, by what it announces. */
export function capabilitiesOf(
  channel: Channel,
  accounts: Accounts,
  username: string,
): { capabilities: Capabilities; notes: CapabilityNote[] } {
  // Nothing tells what an account may do; numbers alone lead to nobody.
  const mayGiveAway = username === 'root' && !accounts.isEmpty
  const owners = mayGiveAway ? 'readwrite' : 'read'
  const capabilities: Capabilities = {
    tree: { model: 'path', emptyContainers: true, identities: false, links: channel.has('lsetstat@openssh.com') },
    // U+FFFD stands where a name was no UTF-8: a name that has it can't be asked for.
    names: { ...posixNames, invalid: `${posixNames.invalid}\uFFFD` },
    content: { rangedRead: true, resumable: true, hash: false, sparse: false },
    times: {
      modified: 'readwrite',
      created: 'none',
      accessed: 'readwrite',
      precisionNs: 1_000_000_000n,
      containers: true,
      range: timeRange,
    },
    owners: { owner: owners, group: owners },
    marks: { hidden: true, shared: false },
    permissions: {
      mode: 'readwrite',
      deny: false,
      breakInheritance: true,
      named: false,
      groupMayBeMask: true,
      rights: posixRights,
    },
    identity: { impersonation: false, directory: !accounts.isEmpty },
    metadata: { user: 'none' },
  }
  const notes: CapabilityNote[] = []
  const note = (capability: string, why: string) => notes.push({ capability, why })
  note('permissions', 'ACLs are not seen, so where permissions are carried an owning group gets no more than everyone')
  if (!mayGiveAway)
    note('owners', accounts.isEmpty ? 'the server does not say who its numbers are' : 'only root may give files away')
  if (!channel.has('posix-rename@openssh.com'))
    note('replacing', 'the server can’t replace a file at once: the old one moves aside until the new one has its name')
  if (!channel.has('fsync@openssh.com'))
    note('durability', 'the server can’t be asked to write to its disk: durability "power" is not to be had')
  if (!capabilities.tree.links)
    note('tree.links', 'links are not made: the server does not say in which way it wants them')
  return { capabilities, notes }
}
