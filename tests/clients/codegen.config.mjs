import { addTypenameSelectionDocumentTransform } from '@graphql-codegen/client-preset';

const textes = ['CodeInsee', 'CodePostal', 'Date', 'DateTime', 'SIRET', 'UAI'];

export default {
  schema: '../../schema.graphql',
  importExtension: '.js',
  config: { scalars: Object.fromEntries(textes.map((nom) => [nom, 'string'])) },
  generates: {
    'build/gql/': {
      documents: ['codegen/*.ts'],
      documentTransforms: [addTypenameSelectionDocumentTransform],
      preset: 'client',
      presetConfig: { persistedDocuments: { hashAlgorithm: 'sha256' } },
    },
    'build/types.ts': { plugins: ['typescript'] },
  },
};
