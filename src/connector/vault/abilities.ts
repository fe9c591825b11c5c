import type { Capabilities, NameRules } from '../capabilities.ts'
import { posixNames, windowsNames } from '../fs/names.ts'

const vaultNames: NameRules = { ...posixNames, duplicateNames: true, maxSegment: { n: 255, unit: 'utf16' } }

export interface Overlay {
  names?: 'windows'
  maxBytes?: bigint
}

export function abilities({ names, maxBytes }: Overlay): Capabilities {
  return {
    tree: { model: 'id', emptyContainers: true, links: false },
    names: names === 'windows' ? { ...windowsNames, duplicateNames: true } : vaultNames,
    content: {
      ...(maxBytes !== undefined && { maxBytes }),
      rangedRead: true,
      resumable: true,
      hash: true,
      sparse: false,
    },
    times: { modified: 'readwrite', created: 'readwrite', accessed: 'none', precisionNs: 1n, containers: true },
    owners: { owner: 'none', group: 'none' },
    permissions: { mode: 'none', deny: false, breakInheritance: false, named: false, rights: 0 },
    identity: { impersonation: false, directory: false },
    metadata: { user: 'none' },
  }
}
