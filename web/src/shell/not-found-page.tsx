import { Link } from '@tanstack/react-router';
import { useText } from '../messages/text.ts';
import { Page } from './page.tsx';

export function NotFoundPage() {
  const text = useText();
  return (
    <Page title={text('notFound.title')} lead={text('notFound.lead')}>
      <Link to="/" className="button button-main">
        {text('orders.toDrops')}
      </Link>
    </Page>
  );
}
