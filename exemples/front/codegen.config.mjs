// Types of what the front asks, and the manifest of its documents, from the published schema: `npm run graphe`. Committed, so that
// building the page needs none of this; a test of the gateway says when they are stale.
const texts = ['CodeInsee', 'CodePostal', 'Date', 'DateTime', 'SIRET', 'UAI'];

export default {
  schema: '../../schema.graphql',
  importExtension: '.js',
  config: { scalars: Object.fromEntries(texts.map((name) => [name, 'string'])), enumsAsTypes: true, useTypeImports: true },
  generates: {
    'src/graphe/': {
      documents: ['src/operations.graphql'],
      preset: 'client',
      presetConfig: { fragmentMasking: false, persistedDocuments: { hashAlgorithm: 'sha256' } },
    },
  },
};
