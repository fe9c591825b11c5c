import { closeSync, fsyncSync, openSync, readFileSync } from 'node:fs'
import type { Capabilities, CapabilityNote } from '../capabilities.ts'
import type {
  Access as NewAccess,
  Attributes,
  NewContainers,
  Page,
  Session,
  Staged,
  StageSpec,
  Target,
} from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facet, Facts, Item, ItemKind, Principal } from '../item.ts'
import { Access, probeAcls } from './access.ts'
import { capabilitiesOf } from './capabilities.ts'
import { makeContainer, makeLink, makeRoot, move, remove, setAttributes } from './change.ts'
import { accountNamed, directoryFor, type IdDirectory } from './directory.ts'
import { flags } from '../local/flags.ts'
import { HandleFolders, PathFolders, hasHandles } from './folders.ts'
import { childId, idOfPath, join, nameOf, parentOf } from './ids.ts'
import { list } from './list.ts'
import { lookAt, rootItem, statsOf, targetOf } from './look.ts'
import { nameGate } from '../local/names.ts'
import { discardContainer, publishContainer, putInside, stageContainer } from './new_folder.ts'
import { within, type Place } from './place.ts'
import { Properties, probeProperties } from './properties.ts'
import { discard, publish, reconcile, syncFolder } from './publish.ts'
import { FileReading } from './reading.ts'
import { resolveRoot } from '../local/resolve.ts'
import { Root } from './root.ts'
import type { FsSettings } from './settings.ts'
import { Shape } from './shape.ts'
import { stage, type FileStaging } from './stage.ts'
import { errno } from '../local/trouble.ts'
import { CaseCollisions } from './case_collisions.ts'
import type { Xattrs } from './xattr.ts'

/** What a session finds around it; tests put other things there. */
export interface Surroundings {
  xattrs: Xattrs | null
  /** Descriptors as paths; by default where the system has them. */
  handles?: boolean
  hardLinks?: boolean
}

/** A file system below one root. Answers at once, on the thread that asks. */
export class FsSession implements Session {
  readonly capabilities: Capabilities
  readonly notes: readonly CapabilityNote[]
  readonly account: Principal | undefined
  readonly group?: Principal
  readonly directory: IdDirectory
  readonly newContainers?: NewContainers
  readonly #place: Place

  constructor(settings: FsSettings, { xattrs, handles, hardLinks = true }: Surroundings) {
    const root = new Root(settings.root)
    this.directory = directoryFor(settings.directory)
    const person = whosePlace(settings, this.directory)
    const shape = new Shape(root, person && BigInt(person.id ?? ''))
    const byHandle = handles ?? hasHandles(root.path)
    const follow = settings.symlinks === 'follow'
    const folders = byHandle ? new HandleFolders(root, follow) : new PathFolders(root, follow)
    const noAcls = byHandle ? probeAcls(xattrs, `${folders.get('').base}.`) : 'POSIX ACLs need Linux and its /proc'
    const noProperties = byHandle
      ? probeProperties(xattrs, `${folders.get('').base}.`)
      : 'extended attributes need Linux and its /proc'
    const access = new Access(this.directory, noAcls === undefined ? xattrs : null)
    const aclsUnseen = process.platform === 'linux' && (xattrs === null || !byHandle)
    const canChown = mayChown()
    const { capabilities, notes } = capabilitiesOf(settings, {
      byHandle,
      noAcls,
      noProperties,
      aclsUnseen,
      canChown,
      statesBirths: root.statesBirths,
      knowsWhose: person !== undefined,
      precisionNs: shape.precisionNs,
    })
    this.capabilities = capabilities
    this.notes = notes
    const uid = process.geteuid?.()
    this.account = uid === undefined ? undefined : this.directory.of('account', uid)
    const gid = process.getegid?.()
    if (gid !== undefined) this.group = this.directory.of('group', gid)
    this.#place = {
      settings,
      root,
      folders,
      access,
      properties: xattrs && noProperties === undefined ? new Properties(xattrs) : undefined,
      canChown,
      aclsUnseen,
      hardLinks,
      shape,
      caseCollisions: capabilities.names.caseSensitive ? undefined : new CaseCollisions(),
      checkName: nameGate(capabilities.names),
      stagings: new Map(),
    }
    // Where names are compared by more than their bytes, each new name is checked against its siblings.
    if (!this.#place.caseCollisions && capabilities.names.unicode === 'bytes')
      this.newContainers = this.#newContainers()
  }

  resolve(path: string) {
    const id = idOfPath(path)
    return resolveRoot(id === '' ? this.#place.root.path : `${this.#place.root.path}/${id}`)
  }

  root(path: string): Item | null {
    const id = idOfPath(path)
    this.#place.root.check()
    const item = this.stat(id, [])
    if (!item || item.kind === 'container') return item
    throw new ConnectorError(item.kind === 'link' ? 'Escapes' : 'NotAContainer', `${path} is no folder`, { id })
  }

  makeRoot(path: string, access?: NewAccess): Item {
    return makeRoot(this.#place, idOfPath(path), access)
  }

  childId(parent: string, name: string): string {
    return childId(parent, name)
  }

  list(container: string, want: readonly Facet[]): Iterable<Page> {
    return list(this.#place, container, want)
  }

  stat(id: string, want: readonly Facet[]): Item | null {
    const place = this.#place
    if (id === '') return within(place, '', '', (root) => rootItem(place, root, want))
    const name = nameOf(id)
    try {
      return within(place, parentOf(id), id, (folder) => {
        const item = lookAt(place, folder, name, want)
        if (item) return item
        throw Object.assign(new Error('is not there'), { code: 'ENOENT' })
      })
    } catch (error) {
      if (errno(error) === 'NotFound' || errno(error) === 'NotAContainer') return null
      throw error
    }
  }

  hasAcl(id: string): boolean {
    const place = this.#place
    if (!place.access.named) return false
    const name = nameOf(id)
    return within(place, parentOf(id), id, (folder) => {
      const path = join(folder.base, name)
      // Of a name that is no text it is found out by reading all.
      return typeof path !== 'string' || place.access.hasAcl(path)
    })
  }

  open(id: string, expected?: Facts): FileReading {
    const place = this.#place
    const name = nameOf(id)
    return within(place, parentOf(id), id, (folder) => {
      let fd: number
      try {
        fd = openSync(join(folder.base, name), flags.read)
      } catch (error) {
        if (errno(error) !== 'ELOOP' || place.settings.symlinks !== 'follow') throw error
        const target = targetOf(place, folder, name)
        if (typeof target === 'string') throw new ConnectorError('Escapes', target, { id })
        fd = openSync(join(target.folder.base, target.name), flags.read)
      }
      try {
        return new FileReading(fd, id, place.shape, expected)
      } catch (error) {
        closeSync(fd)
        throw error
      }
    })
  }

  readWhole(id: string, expected: Facts, into: Uint8Array): void {
    this.open(id, expected).readWhole(into)
  }

  stage(spec: StageSpec): FileStaging {
    this.#writable()
    return stage(this.#place, spec)
  }

  reconcile(staged: Staged, target: Target) {
    return reconcile(this.#place, staged, target)
  }

  publish(staged: Staged, target: Target): Item {
    this.#writable()
    return publish(this.#place, staged, target)
  }

  discard(container: string, key: string): void {
    this.#writable()
    discard(this.#place, container, key)
  }

  #newContainers(): NewContainers {
    const place = this.#place
    return {
      stage: (container, key, access) => {
        this.#writable()
        return stageContainer(place, container, key, access)
      },
      put: (staged, name, placing) => {
        this.#writable()
        return putInside(place, staged.id, name, placing)
      },
      publish: (staged, target) => {
        this.#writable()
        publishContainer(place, staged, target)
      },
      discard: (container, key, names) => {
        this.#writable()
        return discardContainer(place, container, key, names)
      },
    }
  }

  makeContainer(container: string, name: string, _key: string, access?: NewAccess): Item {
    this.#writable()
    return makeContainer(this.#place, container, name, access)
  }

  makeLink(container: string, name: string, linkTarget: string): Item {
    this.#writable()
    return makeLink(this.#place, container, name, linkTarget)
  }

  move(id: string, container: string, name: string, expected: Facts): Item {
    this.#writable()
    return move(this.#place, id, { container, name }, expected)
  }

  remove(id: string, expected: Facts & { kind: ItemKind }): void {
    this.#writable()
    remove(this.#place, id, expected)
  }

  setAttributes(id: string, attributes: Attributes, expected?: Facts): Item {
    this.#writable()
    return setAttributes(this.#place, id, attributes, expected)
  }

  flush(id: string, container: string): void {
    within(this.#place, container, container, (folder) => syncFolder(folder))
    if (id === '' || id === container) return
    const name = nameOf(id)
    within(this.#place, parentOf(id), id, (folder) => {
      const stats = statsOf(folder, name)
      // Anything else has no content of its own: it is in its folder.
      if (!stats?.isFile() && !stats?.isDirectory()) return
      const fd = openSync(join(folder.base, name), flags.read)
      try {
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
    })
  }

  close(): void {
    this.#place.folders.close()
  }

  #writable(): void {
    if (this.#place.settings.readOnly) throw new ConnectorError('ReadOnly', 'the connection is read-only')
  }
}

/** @throws ConnectorError `Misconfigured` for somebody who is nobody here, unless a job may ask for whom it likes */
function whosePlace({ account, ignoresImpersonation }: FsSettings, directory: IdDirectory): Principal | undefined {
  if (account === undefined) return undefined
  try {
    return accountNamed(directory, account)
  } catch (error) {
    if (ignoresImpersonation) return undefined
    throw error
  }
}

/** Root in a container may lack the capability, so it is asked for itself (CAP_CHOWN, bit 0). */
function mayChown(): boolean {
  try {
    const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    if (effective !== undefined) return (BigInt(`0x${effective}`) & 1n) === 1n
  } catch {
    // Not Linux.
  }
  return process.geteuid?.() === 0
}
