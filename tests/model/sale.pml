/* One sale, end to end: machine, bridge, payment platform, dispenser board, and everything that can go wrong.
 *
 * Build and run      scripts/test tests/model    (whole table: all guards on, each guard off, pairs, liveness)
 * one run by hand    spin -a -DG_TOMB=0 sale.pml && cc -w -O1 -DNOREDUCE -DSAFETY -DNOCLAIM -o pan pan.c && ./pan -E -m200000
 * the story of it    spin -t -p -g -DG_TOMB=0 sale.pml
 * liveness           spin -a sale.pml && cc -w -O1 -DNOREDUCE -DNFAIR=6 -o pan pan.c && ./pan -a -f -E -m200000 -N live
 *
 * Network: a message once sent may arrive any number of times, at any later moment, in any order, or never. That is a
 * broker in an enemy's hands, short of forging (signatures are not modelled). Time: the lease ends on the machine's own
 * clock (`lover`), never comes back, and always ends before the bridge's own timer (`past`).
 *
 * Environment  CRASH      crashes in all: process, machine's power, power and journal lost, board alone
 *              WIPE       how many of them may lose the journal      DURABLE  board keeps sequence and result over power loss
 *              GONE       the bridge may declare the machine gone    LOSSY    the platform may give up notifying
 *              BILL       the daily bill exists                      RACE     the shopper may cancel while a payment is handled
 *              RESTORE    bridge restored from an older backup, so often
 *              ROLLBACK   a lost journal may be replaced by an old copy of itself
 *              OTHER      another operation may overwrite the board's memory before it was read
 *              BOOKS      0: look at money and goods only, not at I13 (which often breaks first)
 * Safeguards   G_X=1 on (default), 0 off; what each is stands at its line below. Invariants: the assertions, named I1 .. I13.
 */
#ifndef CRASH
#define CRASH 3
#endif
#ifndef WIPE
#define WIPE 1
#endif
#ifndef DURABLE
#define DURABLE 1
#endif
#ifndef GONE
#define GONE 0
#endif
#ifndef LOSSY
#define LOSSY 1
#endif
#ifndef BILL
#define BILL 0
#endif
#ifndef RACE
#define RACE 1
#endif
#ifndef RESTORE
#define RESTORE 0
#endif
#ifndef ROLLBACK
#define ROLLBACK 0
#endif
#ifndef OTHER
#define OTHER 1
#endif
#ifndef BOOKS
#define BOOKS 1
#endif
/* machine */
#ifndef G_OPENDB
#define G_OPENDB 1       /* the OPEN row is durable before sale.requested is sent */
#endif
#ifndef G_ROW
#define G_ROW 1          /* no row, no vend: a sale this journal did not open is answered "unknown" */
#endif
#ifndef G_SESSION
#define G_SESSION 1      /* sale.paid acts only in the session (journal, boot) that opened the sale */
#endif
#ifndef G_DEDUPE
#define G_DEDUPE 1       /* a row that is not OPEN is answered, not acted on */
#endif
#ifndef G_UNIQUE
#define G_UNIQUE 1       /* OPEN -> INTENT is compare-and-set */
#endif
#ifndef G_INTENT
#define G_INTENT 1       /* intent durable before the motor frame */
#endif
#ifndef G_LEASE
#define G_LEASE 1        /* lease looked at when sale.paid is taken */
#endif
#ifndef G_RECHECK
#define G_RECHECK 1      /* lease looked at again after the intent is durable */
#endif
#ifndef G_WRITE
#define G_WRITE 1        /* ... in the moment the frame is written, not before a wait for the bus */
#endif
#ifndef G_SLACK
#define G_SLACK 1        /* the bridge's bound leaves room for a frame already in the line */
#endif
#ifndef G_TOMB
#define G_TOMB 1         /* a negative answer is durable before it is given */
#endif
#ifndef G_BOOT
#define G_BOOT 1         /* a restart closes every OPEN row */
#endif
#ifndef G_TIME
#define G_TIME 1         /* lease on a clock that cannot jump */
#endif
#ifndef G_NOREACT
#define G_NOREACT 1      /* an intent found at the start is judged, never acted on */
#endif
#ifndef G_LOCK
#define G_LOCK 1         /* one daemon */
#endif
#ifndef G_SETTLE
#define G_SETTLE 1       /* evidence is read only when no frame is left in the line */
#endif
#ifndef G_JUDGE
#define G_JUDGE 1        /* overwritten evidence proves nothing */
#endif
#ifndef G_SEQ
#define G_SEQ 1          /* the sequence number differs from the one the board holds already */
#endif
#ifndef G_NORETRY
#define G_NORETRY 1      /* no moving frame twice to a board that cannot tell */
#endif
#ifndef G_REPEAT
#define G_REPEAT 1       /* ... and where a repeat is allowed, it looks at the lease as well */
#endif
#ifndef G_DBFIRST
#define G_DBFIRST 1      /* an outcome is durable before it is told */
#endif
/* bridge */
#ifndef G_SENT
#define G_SENT 1         /* the send is counted before it happens */
#endif
#ifndef G_STALE
#define G_STALE 1        /* "unknown sale" means doubt, not "not dispensed" */
#endif
#ifndef G_EVIDENCE
#define G_EVIDENCE 1     /* VEND -> REFUND only on evidence or declared doubt */
#endif
#ifndef G_QUERY
#define G_QUERY 1        /* past the bound the machine is asked */
#endif
#ifndef G_RNO
#define G_RNO 1          /* one refund number */
#endif
#ifndef G_RTWO
#define G_RTWO 1         /* the second number only after the platform closed the first */
#endif
#ifndef G_POLL
#define G_POLL 1         /* order query beside the notification */
#endif
#ifndef G_ACK
#define G_ACK 1          /* notification answered after the commit */
#endif
#ifndef G_CLOSE
#define G_CLOSE 1        /* closed at the platform before closed here */
#endif
#ifndef G_ROLL
#define G_ROLL 1         /* a session that is not newer than the last one seen counts as a lost journal */
#endif
#ifndef G_FOREIGN
#define G_FOREIGN 1      /* a sale older than the restored store: the machine is asked before any refund, nothing is sent */
#endif

mtype = { NONE, OPEN, INTENT, DISP, NOT, UNC, CLOSED,                    /* the machine's row */
          OFFERED, VEND, DOUBT, REFDUE, VENDED, REFUNDED, CASE,          /* the bridge's row (and NONE, CLOSED) */
          IDLE, RUN, OK, JAM, INTR, OVER,                                /* what the board remembers of this operation */
          PROC, DONE, SHUT };                                            /* a refund at the platform (and NONE) */

/* platform and shopper */
bool offered, inpay, paid, dead, nacked, nmem; byte refunds; mtype r1 = NONE, r2 = NONE;
/* bridge, durable (doubt: history for the invariants) */
mtype bs = NONE; bool cnt, ask, doubt, restored; byte restores = RESTORE;
/* machine, durable */
mtype jr = NONE; bool opened, lost; byte wipes = WIPE;
/* line and board */
mtype nv = (G_SEQ -> IDLE : OK), res = NONE; bool motor, frame, other, again; byte starts, dropped;
/* messages ever sent */
bool rq, v_sent, v_gone, q_sent, o_disp, o_neg, o_unc, o_unk;
/* time */
bool lover, past, skew, jumped;
/* processes of the daemon: pc 0 idle, 1 payment taken, 2 intent durable, 4 looked, frame waits for the bus, 3 frame written */
byte crash = CRASH, pc[2]; bool alive[2], rec[2], fresh[2], cause;

#define EOVER   (lover && !skew)
#define ENDED   (bs == VENDED || bs == REFUNDED || bs == CASE)
#define MAYSEND (!restored || !G_FOREIGN)
#define UP(n)   (alive[i] && pc[i] == n)
#define SESS    (!G_SESSION || fresh[i])
#define KNOWN   (!frame || (rec[i] && !G_SETTLE))     /* may the board's memory be taken as evidence yet? */

inline accept() {                                     /* one idempotent transaction for notification, query, bill */
  if
  :: bs != NONE && bs != OFFERED && bs != CLOSED -> skip
  :: else ->
     if
     :: restored && G_FOREIGN     -> bs = VEND; cnt = true; ask = true
     :: else ->
        if
        :: bs == OFFERED && !past -> bs = VEND
        :: else                   -> bs = REFDUE      /* late, closed, or unknown here */
        fi
     fi
  fi }

inline refunded_now() { refunds++;
  assert(refunds <= 1 && paid);                       /* I4 */
  assert(dropped == 0 || doubt) }                     /* I5 */

inline negative() {                                   /* the machine says: not, and never */
  if :: G_TOMB -> jr = CLOSED :: !G_TOMB -> o_neg = true fi }

inline board_off() { motor = false; res = NONE; frame = false;
  if
  :: DURABLE && nv == RUN -> nv = INTR
  :: DURABLE && nv != RUN -> skip
  :: !DURABLE -> nv = IDLE
  fi }

active proctype World() {                             /* time, shopper, platform, network */
end: do
  :: atomic { opened && !lover -> lover = true }
  :: atomic { lover && !past && bs != NONE && (!G_SLACK || !frame) -> past = true }
  :: atomic { skew && lover -> skew = false }
#if !G_TIME
  :: atomic { lover && !jumped -> jumped = true; skew = true }
#endif
  :: atomic { offered && !dead && !inpay && !paid -> inpay = true }      /* the shopper confirms */
  :: atomic { inpay -> inpay = false; paid = true }                      /* it goes through, even past a close */
  :: atomic { offered && !dead -> dead = true }                          /* time_expire */
  :: atomic { v_sent && past && !v_gone -> v_gone = true }               /* no longer repeated: the last copy is lost */
#if OTHER
  :: atomic { !other && !motor && !frame && res == NONE && nv != RUN && starts > 0 -> other = true; cause = true; nv = OVER }
#endif
  od }

active proctype Notify() {                            /* the platform repeats until it is answered */
end: do
#if LOSSY
  :: atomic { paid && !nacked -> nacked = true }
#endif
#if G_ACK
  :: atomic { paid && !nacked -> nacked = true; accept() }
#else
  :: atomic { paid && !nacked -> nacked = true; nmem = true }
  :: atomic { nmem -> nmem = false; accept() }
  :: atomic { nmem -> nmem = false }                                     /* the bridge dies in between */
#endif
  od }

active proctype Bridge() {                            /* each step is one transaction; crashes fall between them */
end: do
  :: atomic { rq && bs == NONE -> bs = OFFERED; offered = true }
#if G_POLL
  :: atomic { paid && (bs == OFFERED || (bs == CLOSED && G_CLOSE) || (bs == NONE && offered)) -> accept() }
#endif
#if BILL
  :: atomic { paid && dead && !inpay && (bs == OFFERED || bs == CLOSED || bs == NONE) -> accept() }
#endif
#if G_CLOSE
  :: atomic { bs == OFFERED && !paid -> dead = true; bs = CLOSED }       /* cancelled, or the pay window is over */
#else
  :: atomic { bs == OFFERED && !paid -> bs = CLOSED }
#endif
#if G_SENT
  :: atomic { bs == VEND && !past && !cnt -> cnt = true }
  :: atomic { cnt && !v_sent && MAYSEND -> v_sent = true }                          /* a pump may be slow: whatever became of the sale */
#else
  :: atomic { bs == VEND && !past && !v_sent && MAYSEND -> v_sent = true }
  :: atomic { v_sent && !cnt -> cnt = true }
#endif
  :: atomic { bs == VEND && !cnt -> bs = REFDUE }                        /* (b) never sent */
#if G_QUERY
  :: atomic { (bs == VEND || bs == DOUBT) && (past || ask) && !q_sent -> q_sent = true }
#endif
  :: atomic { (bs == VEND || bs == DOUBT) && o_disp -> bs = VENDED; assert(dropped > 0) }           /* I6 */
  :: atomic { (bs == VEND || bs == DOUBT) && o_neg  -> bs = REFDUE }     /* (a) */
  :: atomic { bs == VEND && o_unc -> doubt = true; bs = DOUBT; assert(cause) }                      /* I8 */
  :: atomic { bs == VEND && o_unk && G_STALE  -> doubt = true; bs = DOUBT; assert(cause) }
  :: atomic { bs == VEND && o_unk && !G_STALE -> bs = REFDUE }
#if GONE
  :: atomic { bs == VEND && past -> doubt = true; cause = true; bs = DOUBT }
#endif
#if !G_EVIDENCE
  :: atomic { bs == VEND && past -> bs = REFDUE }
#endif
  :: atomic { bs == DOUBT -> bs = REFDUE }                               /* (c) T_doubt */
  :: atomic { bs == REFDUE && r1 == NONE -> r1 = PROC }
  :: atomic { bs == REFDUE && r1 == PROC && !G_RNO && refunds < 2 -> refunded_now() }               /* "try again, new number" */
  :: atomic { r1 == PROC -> r1 = DONE; refunded_now() }                  /* the platform, in its own time */
  :: atomic { r1 == PROC -> r1 = SHUT }
  :: atomic { bs == REFDUE && r2 == NONE && (r1 == SHUT || (!G_RTWO && r1 == PROC)) -> r2 = PROC }
  :: atomic { r2 == PROC -> r2 = DONE; refunded_now() }
  :: atomic { r2 == PROC -> r2 = SHUT }
  :: atomic { bs == REFDUE && (r1 == DONE || r2 == DONE) -> bs = REFUNDED }
  :: atomic { bs == REFDUE && r2 == SHUT -> bs = CASE }
#if RESTORE
  :: atomic { restores > 0 && offered -> restores--; restored = true; cnt = false; ask = false; past = false;
       q_sent = false;
       if :: bs = NONE :: bs = OFFERED :: bs == VEND || bs == DOUBT || ENDED -> bs = VEND; if :: G_FOREIGN -> cnt = true; ask = true :: else fi fi }
#endif
  od }

active proctype Board() {
end: do
  :: atomic { frame -> frame = false;
       if
       :: DURABLE && (nv == RUN || nv == OK || nv == JAM || nv == INTR) -> skip     /* a repeat is recognised */
       :: else -> starts++; motor = true; nv = RUN; res = NONE;
            assert(starts <= 1);                                         /* I1 */
            assert(paid && opened);                                      /* I2 */
            assert(!past)                                                /* I3 */
       fi }
  :: atomic { motor -> motor = false;
       if :: dropped++; res = OK; assert(refunds == 0 || doubt)          /* I5 */
          :: res = JAM fi }
  :: atomic { res != NONE -> if :: nv == RUN -> nv = res :: else fi; res = NONE }   /* drop and memory are two steps */
  od }

proctype Edge(byte i) {
end: do
  /* the shopper chooses */
#if G_OPENDB
  :: atomic { UP(0) && !opened -> opened = true; jr = OPEN; fresh[i] = true }
  :: atomic { alive[i] && jr == OPEN && !rq -> rq = true }
#else
  :: atomic { UP(0) && !opened -> opened = true; fresh[i] = true; rq = true; pc[i] = 5 }
  :: atomic { UP(5) -> jr = OPEN; pc[i] = 0 }
#endif
  /* cancel, new selection, lease over, local refusal */
  :: atomic { alive[i] && (pc[i] == 0 || (RACE && pc[i] == 1)) && jr == OPEN && !o_neg -> negative() }
  /* sale.paid */
  :: atomic { UP(0) && v_sent && !v_gone && SESS && (jr == OPEN || (!G_DEDUPE && jr != NONE && jr != INTENT) || (!G_ROW && jr == NONE && opened)) && !(G_LEASE && EOVER) -> pc[i] = 1 }
  :: atomic { UP(0) && ((v_sent && !v_gone) || q_sent) && jr == NONE && opened && G_ROW && !o_unk -> o_unk = true }
  :: atomic { UP(0) && q_sent && jr == NONE && opened && !G_ROW && !o_unk -> o_unk = true }
  :: atomic { UP(1) ->
       if
       :: !G_INTENT -> pc[i] = 2
       :: G_INTENT && G_UNIQUE && jr != OPEN && !(jr == NONE && !G_ROW) -> pc[i] = 0
       :: else -> jr = INTENT; pc[i] = 2
       fi }
  :: atomic { UP(2) && G_RECHECK && EOVER -> jr = CLOSED; pc[i] = 0 }
#if G_WRITE
  :: atomic { UP(2) && !(G_RECHECK && EOVER) -> frame = true; pc[i] = 3 }
#else
  :: atomic { UP(2) && !(G_RECHECK && EOVER) -> pc[i] = 4 }
  :: atomic { UP(4) -> frame = true; pc[i] = 3 }
#endif
#if !G_NORETRY
  :: atomic { UP(3) && !rec[i] && !frame && !again && !(G_REPEAT && EOVER) -> again = true; frame = true }   /* the reply was lost */
#endif
  /* the outcome, live or after a restart */
  :: atomic { UP(3) && KNOWN && nv == OK   -> jr = DISP; pc[i] = 0; rec[i] = false }
  :: atomic { UP(3) && KNOWN && nv == JAM  -> jr = NOT;  pc[i] = 0; rec[i] = false }
  :: atomic { UP(3) && KNOWN && nv == INTR -> jr = UNC;  pc[i] = 0; rec[i] = false }
  :: atomic { UP(3) && KNOWN && nv == OVER -> if :: G_JUDGE -> jr = UNC :: else -> jr = NOT fi; pc[i] = 0; rec[i] = false }
  :: atomic { UP(3) && KNOWN && nv == IDLE -> if :: DURABLE -> jr = NOT :: else -> jr = UNC fi; pc[i] = 0; rec[i] = false }
#if !G_DBFIRST
  :: atomic { UP(3) && KNOWN && nv == OK  && !o_disp -> o_disp = true }
  :: atomic { UP(3) && KNOWN && nv == JAM && !o_neg  -> o_neg = true }
#endif
  /* reports, and answers to a query: what the row says */
  :: atomic { alive[i] && jr == DISP && !o_disp -> o_disp = true }
  :: atomic { alive[i] && (jr == NOT || jr == CLOSED) && !o_neg -> o_neg = true }
  :: atomic { alive[i] && jr == UNC && !o_unc -> o_unc = true }
  /* crashes and starts */
  :: atomic { alive[i] && crash > 0 -> crash--; cause = true;
       if
       :: alive[i] = false; pc[i] = 0; rec[i] = false; fresh[i] = false  /* process */
       :: board_off()                                                    /* board */
       :: alive[i] = false; pc[i] = 0; rec[i] = false; fresh[i] = false; /* machine's power */
          alive[1-i] = false; pc[1-i] = 0; rec[1-i] = false; fresh[1-i] = false; board_off();
          if
          :: wipes > 0 -> wipes--; jr = NONE; lost = opened              /* journal lost */
#if ROLLBACK
          :: wipes > 0 && opened -> wipes--;                             /* an old copy of it comes back, same name */
             if :: G_ROLL -> jr = NONE; lost = true :: !G_ROLL -> jr = OPEN fi
#endif
          :: skip
          fi
       fi }
  :: atomic { !alive[i] && (!G_LOCK || !alive[1-i]) -> alive[i] = true; rec[i] = true;
       if
       :: jr == INTENT && G_NOREACT  -> pc[i] = 3
       :: jr == INTENT && !G_NOREACT -> pc[i] = 2
       :: jr == OPEN && G_BOOT       -> jr = CLOSED
       :: jr == OPEN && !G_BOOT      -> skew = true                      /* a clock that starts again */
       :: else -> skip
       fi }
  od }

init { atomic { alive[0] = true; run Edge(0);
#if !G_LOCK
  run Edge(1)
#endif
  } }

active proctype Rest() {                              /* nothing left to happen */
  timeout ->
  assert(!paid || ENDED);                                                              /* I7 */
  assert(jr != INTENT && !(bs == REFUNDED && refunds == 0));                           /* I7, I6 */
  assert(!BOOKS || lost || bs != VENDED || jr == DISP);                                /* I13: the books agree */
  assert(!BOOKS || lost || doubt || bs != REFUNDED || jr == CLOSED || jr == NOT)       /* I13 */
}
ltl live { <>[] (!paid || ENDED) }
