import { randomFillSync } from 'node:crypto'
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface Tree {
  root: string
  files: number
  /** Below the root, which itself doesn't count. */
  folders: number
  bytes: number
}

export interface SmallFiles {
  folders: number
  filesPerFolder: number
  /** At least 8: the first eight bytes are the file's number, so that no two files are alike. */
  sizeBytes: number
}

/** Many files of one size: the number of the file, then one block of noise that all of them share. */
export function writeSmallFiles(root: string, { folders, filesPerFolder, sizeBytes }: SmallFiles): Tree {
  const content = randomFillSync(Buffer.allocUnsafe(sizeBytes))
  let files = 0
  mkdirSync(root, { recursive: true })
  for (let folder = 0; folder < folders; folder++) {
    const path = join(root, folderName(folder))
    mkdirSync(path)
    for (let file = 0; file < filesPerFolder; file++) {
      content.writeBigUInt64BE(BigInt(files++))
      writeFileSync(join(path, fileName(file)), content, { flag: 'wx' })
    }
  }
  return { root, files, folders, bytes: files * sizeBytes }
}

export function folderName(number: number): string {
  return `d${String(number).padStart(4, '0')}`
}

function fileName(number: number): string {
  return `f${String(number).padStart(3, '0')}.bin`
}

const mebibyte = 1024 * 1024

/** A few large files of noise in the root itself. @param sizeBytes a multiple of 1 MiB */
export function writeLargeFiles(root: string, { files, sizeBytes }: { files: number; sizeBytes: number }): Tree {
  mkdirSync(root, { recursive: true })
  const chunk = Buffer.allocUnsafe(mebibyte)
  for (let file = 0; file < files; file++) {
    const fd = openSync(join(root, `large-${file}.bin`), 'wx')
    try {
      for (let at = 0; at < sizeBytes; at += mebibyte) writeSync(fd, randomFillSync(chunk))
    } finally {
      closeSync(fd)
    }
  }
  return { root, files, folders: 0, bytes: files * sizeBytes }
}
