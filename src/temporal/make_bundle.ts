import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker'
import { root, sha256, type BundlePlan, type Manifest } from './bundle.ts'

/** Run by `workflowBundle` as a program, with the plan as its argument. */

interface Compiler {
  hooks: {
    afterCompile: { tap(name: string, then: (compilation: { fileDependencies: Iterable<string> }) => void): void }
  }
}

/** Notes our own files as the bundler reads them; those of packages change only with their version. */
function noting(sources: Set<string>) {
  return {
    apply(compiler: Compiler): void {
      compiler.hooks.afterCompile.tap('sources', ({ fileDependencies }) => {
        for (const file of fileDependencies) {
          if (/\.[jt]s$/.test(file) && !file.includes('node_modules')) sources.add(file)
        }
      })
    },
  }
}

async function makeBundle({ entry, folder, codePath, manifestPath, sdk }: BundlePlan): Promise<void> {
  const sources = new Set<string>()
  const { code } = await bundleWorkflowCode({
    workflowsPath: entry,
    // What goes well nobody needs to read; of what goes wrong the bundler throws only that something did.
    logger: new DefaultLogger('ERROR', ({ message }) => void process.stderr.write(`${message}\n`)),
    webpackConfigHook: (config) => ({
      ...config,
      // Places in our files, for stack traces; a published bundle must not name folders of the machine that made it.
      context: root,
      devtool: 'inline-nosources-source-map',
      output: {
        ...config.output,
        devtoolModuleFilenameTemplate: ({ resourcePath }: { resourcePath: string }) => resourcePath.replace(root, ''),
      },
      plugins: [...(config.plugins ?? []), noting(sources)],
    }),
  })
  const manifest: Manifest = { sdk, sources: {} }
  for (const file of sources) manifest.sources[relative(root, file)] = sha256(readFileSync(file))
  mkdirSync(folder, { recursive: true })
  replace(codePath, code)
  replace(manifestPath, JSON.stringify(manifest))
}

/** Two processes may do this at once. */
function replace(path: string, content: string): void {
  const made = `${path}.${process.pid}`
  writeFileSync(made, content)
  renameSync(made, path)
}

await makeBundle(JSON.parse(process.argv[2] ?? '{}') as BundlePlan)
