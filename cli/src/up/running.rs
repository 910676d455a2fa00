//! What was started, and its end in order.

use super::{
    console::Console,
    plan::{Plan, Planned},
};
use crate::Failure;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tracker_stack::{
    Broker, BrokerOptions, Cache, Database, DatabaseOptions, Program, Said, Supervised, leash::beside,
};

/// How often the broker and the database are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// What a program may take to end beyond its own grace.
const MARGIN: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Running {
    broker: Option<Broker>,
    database: Option<Database>,
    programs: Vec<(Supervised, Duration)>,
}

impl Running {
    /// The broker and the database, as planned; both at once.
    pub(super) async fn start_stack(&mut self, plan: &Plan) -> Result<(), Failure> {
        let (broker, database) = tokio::join!(start_broker(plan), start_database(plan));
        self.broker = broker?;
        self.database = database?;
        Ok(())
    }

    /// The four programs, under supervision.
    pub(super) fn start_programs(&mut self, plan: &Plan) -> Result<(), Failure> {
        for planned in &plan.programs {
            let program = Program {
                name: planned.name,
                path: beside(planned.program)?,
                arguments: planned.arguments.clone(),
                environment: planned.environment.clone(),
            };
            self.programs.push((Supervised::start(program, hear)?, planned.grace + MARGIN));
        }
        Ok(())
    }

    /// Whether a program was given up.
    pub(super) fn is_down(&self, planned: &Planned) -> bool {
        self.programs.iter().any(|(program, _)| program.name() == planned.name && program.is_down())
    }

    /// Stays until the shutdown; brings the broker and the database back when they die.
    pub(super) async fn watch(&mut self, shutdown: &CancellationToken) -> Result<(), Failure> {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK) => {}
            }
            if let Some(broker) = self.broker.as_mut()
                && !broker.is_running()
            {
                Console::say(format_args!(
                    "broker   has ended; starting it again (its log: {})",
                    broker.log().display()
                ));
                broker.restart().await?;
            }
            if let Some(database) = self.database.as_mut()
                && !database.is_running()
            {
                let log = database.log().display();
                Console::say(format_args!("database has ended; starting it again (its log: {log})"));
                database.restart().await?;
            }
        }
    }

    /// Ends all of it, the way the data go.
    pub(super) async fn stop(self) {
        for (program, grace) in self.programs {
            Console::say(format_args!("stopping {} …", program.name()));
            let name = program.name();
            if !program.stop(grace).await {
                Console::say(format_args!("{name} did not end within {} s and was killed", grace.as_secs()));
            }
        }
        if let Some(mut database) = self.database {
            Console::say("stopping database …");
            database.stop().await;
        }
        if let Some(mut broker) = self.broker {
            Console::say("stopping broker …");
            broker.stop().await;
        }
    }
}

async fn start_broker(plan: &Plan) -> Result<Option<Broker>, Failure> {
    if !plan.broker {
        return Ok(None);
    }
    let began = Instant::now();
    let (cache, data) = (Cache::at(&plan.cache), plan.data.join("broker"));
    let options = BrokerOptions::new(cache, data, plan.local.broker_port, plan.local.controller_port);
    let broker = Broker::start(options.lasting()).await?;
    Console::say(format_args!("broker   {} in {:.1} s", broker.address(), began.elapsed().as_secs_f64()));
    Ok(Some(broker))
}

async fn start_database(plan: &Plan) -> Result<Option<Database>, Failure> {
    if !plan.database {
        return Ok(None);
    }
    let began = Instant::now();
    let options = DatabaseOptions {
        cache: Cache::at(&plan.cache),
        data: plan.data.join("clickhouse"),
        http_port: plan.local.clickhouse_port,
        tcp_port: plan.local.clickhouse_native_port,
    };
    let database = Database::start(options).await?;
    Console::say(format_args!("database {} in {:.1} s", database.url(), began.elapsed().as_secs_f64()));
    Ok(Some(database))
}

fn hear(name: &'static str, said: Said) {
    match said {
        Said::Line(line) => Console::say(format_args!("{name:<8} | {line}")),
        Said::Ended { how, pause } => {
            Console::say(format_args!("{name:<8} ended ({how}); starting it again in {pause:?}"));
        }
        Said::GaveUp(why) => Console::say(format_args!("{name:<8} stays down: {why}")),
    }
}
