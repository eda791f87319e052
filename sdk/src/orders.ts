import type { Page, PageQuery } from './drops.ts';
import type { CallOptions, CommandOptions, Transport } from './transport.ts';
import type {
  Order,
  OrderDetail,
  OrderStatus,
  Paid,
  PayRequest,
  SandboxPayment,
} from './wire/shapes.ts';

export interface OrderListQuery extends PageQuery {
  readonly status?: OrderStatus | undefined;
}

/** The caller's orders. */
export function orderCalls(transport: Transport) {
  return {
    list(query: OrderListQuery = {}, options?: CallOptions): Promise<Page<Order>> {
      return transport.call({ name: 'listOrders', query: { ...query } }, options);
    },
    get(id: string, options?: CallOptions): Promise<OrderDetail> {
      return transport.call({ name: 'getOrder', path: { id } }, options);
    },
    /** Pays, or answers with `payUrl` where the provider's own page is to be used. */
    pay(id: string, how: PayRequest, options?: CommandOptions): Promise<Paid> {
      return transport.call({ name: 'pay', path: { id }, body: how, isCommand: true }, options);
    },
    /** Gives the units back. */
    cancel(id: string, options?: CommandOptions): Promise<Paid> {
      return transport.call({ name: 'cancel', path: { id }, isCommand: true }, options);
    },
  };
}

/** The pay page of the sandbox, which plays a payment provider. */
export function sandboxCalls(transport: Transport) {
  return {
    get(payment: string, options?: CallOptions): Promise<SandboxPayment> {
      return transport.call({ name: 'sandboxSession', path: { payment } }, options);
    },
    decide(
      payment: string,
      decision: 'approve' | 'decline',
      options?: CallOptions,
    ): Promise<SandboxPayment> {
      return transport.call({ name: 'sandboxDecide', path: { payment, decision } }, options);
    },
  };
}
