//! Which events a record of a call cannot do without.

use crate::Kind;

impl Kind {
    /// True for events without which a call's record is wrong or never made. They are dropped last when the disk is
    /// behind.
    #[must_use]
    pub const fn is_vital(&self) -> bool {
        !matches!(
            self,
            Self::NodeEntered { .. }
                | Self::Hours { .. }
                | Self::UserToUser { .. }
                | Self::IdentityIgnored { .. }
                | Self::Digit { .. }
                | Self::Collected { .. }
                | Self::Chosen { .. }
                | Self::VariableSet { .. }
                | Self::Http { .. }
                | Self::Play { .. }
                | Self::Announced(_)
                | Self::Unsaid { .. }
                | Self::DecisionRejected(_)
                | Self::PluginFailed(_)
                | Self::Decided(_)
                | Self::PluginLearnt(_)
                | Self::CallChanged(_)
                | Self::OutsideRefused { .. }
                | Self::TrunkPassed { .. }
                | Self::TransferFailed { .. }
                | Self::EarlyMedia { .. }
                | Self::MediaStats { .. }
                | Self::Message { .. }
                | Self::Malformed { .. }
                | Self::Strangers { .. }
                | Self::Unproven { .. }
                | Self::Bound { .. }
                | Self::Unbound { .. }
                | Self::LoginFailed { .. }
                | Self::TrunkDown(_)
                | Self::TrunkUp(_)
                | Self::TrunkRests(_)
                | Self::TrunkLocated(_)
                | Self::TrunkNotLocated(_)
                | Self::TrunkRegistered(_)
                | Self::TrunkUnregistered(_)
        )
    }
}
